// Command objects is an S3 server of a live test's cluster, whose Clusters keep
// their backups there. It keeps them in a file, so that it can be stopped and
// started. Below /charts/ it serves a directory as it is, so that Flux finds charts.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"
	"go.etcd.io/bbolt"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "TCP address")
	data := flag.String("data", "objects.db", "file of the objects")
	charts := flag.String("charts", "", "directory of charts")
	bucket := flag.String("bucket", "", "name of the bucket that there is from the start")
	flag.Parse()

	// NoSync, as a process may die here, but no machine
	db, err := bbolt.Open(*data, 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		log.Fatal(err)
	}
	backend := s3bolt.New(db)
	exists, err := backend.BucketExists(*bucket)
	if err == nil && !exists {
		err = backend.CreateBucket(*bucket)
	}
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", gofakes3.New(backend).Server())
	mux.Handle("/charts/", http.StripPrefix("/charts/", http.FileServer(http.Dir(*charts))))
	log.Fatal(http.ListenAndServe(*listen, mux))
}
