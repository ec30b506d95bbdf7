package cli

// cobra links it on Windows only. All systems link it, so that one list of modules
// is true of the programs of a release for every system.
import _ "github.com/inconshreveable/mousetrap"
