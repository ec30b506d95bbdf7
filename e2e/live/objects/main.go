// Command objects is the S3 server of a live test's cluster, whose Clusters keep
// their backups there. Below /charts/ it serves a directory as it is, so that Flux
// finds charts.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "TCP address")
	charts := flag.String("charts", "", "directory of charts")
	bucket := flag.String("bucket", "", "name of the bucket that there is from the start")
	flag.Parse()

	backend := s3mem.New()
	if err := backend.CreateBucket(*bucket); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", gofakes3.New(backend).Server())
	mux.Handle("/charts/", http.StripPrefix("/charts/", http.FileServer(http.Dir(*charts))))
	log.Fatal(http.ListenAndServe(*listen, mux))
}
