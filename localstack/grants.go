package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/topology"
)

// enforceGrants listens for the functions' requests to DynamoDB. A function sends them to the address
// that comes back, with its name for a path.
func (s *stack) enforceGrants(dynamodb string) (string, error) {
	to, err := url.Parse(dynamodb)
	if err != nil {
		return "", fmt.Errorf("read the address of DynamoDB: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for requests to DynamoDB: %w", err)
	}
	handler := granted(to, prefix)
	handler.passOn.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: handler.passOn.ErrorLog}
	s.onStop(server.Close)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("serve requests to DynamoDB: %w", err))
		}
	}()
	return "http://" + listener.Addr().String(), nil
}

// grants passes on to DynamoDB what the topology's grants allow a function to do with tables, as IAM
// would, and refuses the rest. The path of a request is the function that sends it.
type grants struct {
	passOn *httputil.ReverseProxy
	prefix string // of the tables' names
}

func granted(dynamodb *url.URL, prefix string) *grants {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = transport.MaxIdleConns // one host is all there is
	return &grants{prefix: prefix, passOn: &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Path = "/"
		r.SetURL(dynamodb)
	}}}
}

// ServeHTTP implements [http.Handler].
func (g *grants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // who sends half a request waits for no answer
	}
	function := strings.Trim(r.URL.Path, "/")
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	for _, u := range uses(operation, body) {
		if !u.allowed(function, g.prefix) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"%s has no grant of %s on %s"}`,
				function, u.action, u.table+" "+u.index)
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.passOn.ServeHTTP(w, r)
}

// use is one action on a table or, if it has an index, on that.
type use struct{ action, table, index string }

func (u use) allowed(function, prefix string) bool {
	tables, functions := topology.Tables(), topology.Functions()
	t := slices.IndexFunc(tables, func(t topology.Table) bool { return t.Name(prefix) == u.table })
	f := slices.IndexFunc(functions, func(f topology.Function) bool { return f.Name == function })
	if t < 0 || f < 0 || u.action == "Query" && u.index == "" && tables[t].Sort == nil {
		return false
	}
	return slices.ContainsFunc(functions[f].Grants, func(g topology.Grant) bool {
		return g.Table == tables[t].ID && slices.Contains(g.Actions, u.action) && (u.index == "" || u.action == "Query")
	})
}

var inserted = regexp.MustCompile(`^INSERT INTO "([^"]+)"`)

// uses lists the actions of IAM that an operation of DynamoDB needs (Service Authorization
// Reference, "Actions, resources, and condition keys for Amazon DynamoDB").
func uses(operation string, body []byte) (all []use) {
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]json.RawMessage
		TransactItems        []map[string]struct{ TableName string }
		Statements           []struct{ Statement string }
	}
	if json.Unmarshal(body, &in) != nil {
		return []use{{action: operation}}
	}
	switch operation {
	case "BatchGetItem", "BatchWriteItem":
		for table := range in.RequestItems {
			all = append(all, use{action: operation, table: table})
		}
	case "TransactWriteItems":
		actions := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
		for _, item := range in.TransactItems {
			for kind, one := range item {
				all = append(all, use{action: actions[kind], table: one.TableName})
			}
		}
	case "BatchExecuteStatement":
		for _, s := range in.Statements {
			found := append(inserted.FindStringSubmatch(s.Statement), "", "")
			all = append(all, use{action: "PartiQLInsert", table: found[1]})
		}
	default:
		all = append(all, use{operation, in.TableName, in.IndexName})
	}
	return all
}
