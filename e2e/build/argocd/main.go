// Command argocd is the server that Argo CD runs beside a config management plugin,
// and one question of the repo server to it: argocd FOLDER APP [NAME=VALUE...] reads
// plugin.yaml in the one folder, and prints the manifests of the other.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/argoproj/argo-cd/v3/cmpserver/apiclient"
	"github.com/argoproj/argo-cd/v3/cmpserver/plugin"
	"github.com/argoproj/argo-cd/v3/util/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"sigs.k8s.io/yaml"
)

func main() {
	manifests, err := generate(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "argocd:", err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(manifests, "\n---\n"))
}

func generate(folder, app string, env []string) ([]string, error) {
	config, err := plugin.ReadPluginConfig(folder)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "plugin.yaml"))
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, &plugin.PluginConfig{}); err != nil {
		return nil, err // Argo CD itself is silent on a field that it does not know
	}
	temp, err := os.MkdirTemp("", "argocd-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	socket := filepath.Join(temp, "plugin.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	apiclient.RegisterConfigManagementPluginServiceServer(server, plugin.NewService(plugin.CMPServerInitConstants{PluginConfig: *config}))
	go server.Serve(listener)
	defer server.Stop()
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	client := apiclient.NewConfigManagementPluginServiceClient(connection)

	ctx := context.Background()
	match, err := client.MatchRepository(ctx)
	if err != nil {
		return nil, err
	}
	if err := cmp.SendRepoStream(ctx, app, app, match, env, nil); err != nil {
		return nil, err
	}
	found, err := match.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	if found.IsDiscoveryEnabled && !found.IsSupported {
		return nil, errors.New("the plugin does not know this kind of application")
	}
	stream, err := client.GenerateManifest(ctx)
	if err != nil {
		return nil, err
	}
	if err := cmp.SendRepoStream(ctx, app, app, stream, env, nil); err != nil {
		return nil, err
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	return answer.Manifests, nil
}
