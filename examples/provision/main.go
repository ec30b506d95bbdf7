// Command provision creates a database for a tenant: one CloudNativePG Cluster,
// or, where its environment has valid SOVEREIGN_* settings, the pair that
// cnpg-pair would make of it. It shows how a program that creates Clusters
// itself, without Helm, gets the very same pair.
//
//	provision --namespace blog --name blog-db --database wordpress
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "provision: error:", err)
		os.Exit(1)
	}
}

func run() error {
	var db database
	flag.StringVar(&db.namespace, "namespace", "default", "namespace of the Cluster")
	flag.StringVar(&db.name, "name", "", "name of the Cluster")
	flag.StringVar(&db.database, "database", "app", "name of the database in it")
	flag.StringVar(&db.owner, "owner", "", "role that owns the database (default: its name)")
	flag.StringVar(&db.size, "size", "1Gi", "size of its volume")
	flag.Parse()
	if db.name == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if db.owner == "" {
		db.owner = db.database
	}

	// $KUBECONFIG, or the service account of the Pod that this runs in
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := postrender.ConfigFromEnv(os.Getenv)
	if err != nil {
		return err
	}
	p := provisioner{client: client, config: settings, out: os.Stdout, warnings: os.Stderr}
	return p.provision(ctx, db)
}
