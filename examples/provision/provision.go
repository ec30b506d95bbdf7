package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

var (
	clusterResource = schema.GroupVersionResource{Group: "postgresql.cnpg.io", Version: "v1", Resource: "clusters"}
	serviceResource = schema.GroupVersionResource{Version: "v1", Resource: "services"}
)

// fieldManager is the name under which Kubernetes records what is written here.
const fieldManager = "provision"

// A database is what a tenant asks for.
type database struct {
	namespace, name string // of the Cluster
	database, owner string // in PostgreSQL
	size            string // of the volume
}

// cluster is the single Cluster of a database. It knows nothing of regions.
func (db database) cluster() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "postgresql.cnpg.io/v1",
		"kind":       "Cluster",
		"metadata": map[string]any{
			"name":      db.name,
			"namespace": db.namespace,
			"labels":    map[string]any{"app.kubernetes.io/managed-by": fieldManager},
		},
		"spec": map[string]any{
			"instances": int64(1),
			"bootstrap": map[string]any{"initdb": map[string]any{"database": db.database, "owner": db.owner}},
			"storage":   map[string]any{"size": db.size},
		},
	}}
}

type provisioner struct {
	client   dynamic.Interface
	config   postrender.Config
	out      io.Writer // what was done
	warnings io.Writer
}

// provision creates a database, once: what exists already, and is what would
// have been created, stays as it is. A pair is created whole or not at all.
func (p provisioner) provision(ctx context.Context, db database) error {
	pair, err := postrender.Expand(p.config, db.cluster())
	if err != nil {
		return err
	}
	paired := pair.Decision.Action == postrender.Paired
	if paired && (pair.Primary == nil || pair.Replica == nil) {
		return fmt.Errorf("%s asks for one member of a pair, but this program creates both: unset it", postrender.EnvSide)
	}
	// on, but not valid: a single database serves better than none
	if p.config.EnableHotStandby && !paired {
		fmt.Fprintf(p.warnings, "provision: warning: %s stays single: %s\n", db.name, pair.Decision.Text())
	}
	primary, created, err := p.ensure(ctx, pair.Primary)
	if err != nil || pair.Replica == nil {
		return err
	}
	_, _, err = p.ensure(ctx, pair.Replica)
	if err != nil && created {
		return errors.Join(err, p.remove(ctx, primary))
	}
	for _, text := range pair.Services {
		err = errors.Join(err, p.ensureService(ctx, text))
	}
	return err
}

// ensureService creates a Service of a pair, or leaves it as an earlier run made it.
func (p provisioner) ensureService(ctx context.Context, text string) error {
	service := &unstructured.Unstructured{}
	if err := service.UnmarshalJSON([]byte(text)); err != nil {
		return err
	}
	_, err := p.client.Resource(serviceResource).Namespace(service.GetNamespace()).Create(ctx, service,
		metav1.CreateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict})
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil
	case err != nil:
		return fmt.Errorf("create the Service %s: %w", service.GetName(), err)
	}
	fmt.Fprintf(p.out, "service %s/%s created\n", service.GetNamespace(), service.GetName())
	return nil
}

// ensure creates a Cluster, or finds it as an earlier run left it. created
// tells which.
func (p provisioner) ensure(ctx context.Context, want *unstructured.Unstructured) (cluster *unstructured.Unstructured, created bool, err error) {
	clusters := p.client.Resource(clusterResource).Namespace(want.GetNamespace())
	cluster, err = clusters.Create(ctx, want, metav1.CreateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict})
	if err == nil {
		fmt.Fprintf(p.out, "cluster %s/%s created\n", cluster.GetNamespace(), cluster.GetName())
		return cluster, true, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, false, fmt.Errorf("create the Cluster %s: %w", want.GetName(), err)
	}
	if cluster, err = clusters.Get(ctx, want.GetName(), metav1.GetOptions{}); err != nil {
		return nil, false, err
	}
	// a replica of a living single database would wait for a Service that nobody makes
	for _, key := range []string{"catalyst.openova.io/cnpg-pair-name", "catalyst.openova.io/cnpg-pair-role"} {
		if has, wants := cluster.GetAnnotations()[key], want.GetAnnotations()[key]; has != wants {
			return nil, false, fmt.Errorf("the Cluster %s exists with %s %q instead of %q, and stays as it is", want.GetName(), key, has, wants)
		}
	}
	fmt.Fprintf(p.out, "cluster %s/%s exists\n", cluster.GetNamespace(), cluster.GetName())
	return cluster, false, nil
}

// remove deletes the very Cluster that was created, not one that has taken its
// name since. It does so too when ctx has ended, which may be why it is called.
func (p provisioner) remove(ctx context.Context, cluster *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	uid := cluster.GetUID()
	err := p.client.Resource(clusterResource).Namespace(cluster.GetNamespace()).Delete(ctx, cluster.GetName(),
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove the primary %s again: %w", cluster.GetName(), err)
	}
	fmt.Fprintf(p.out, "cluster %s/%s removed again\n", cluster.GetNamespace(), cluster.GetName())
	return nil
}
