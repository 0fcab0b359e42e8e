package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestNeitherSIGTERMNorSIGINTLeavesAProcess(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s := stacktest.Start(t)
		if found := processes(t, s); len(found) != 1 {
			t.Fatalf("running, dynoxide is to be seen: %v", found)
		}
		s.Signal(signal)
		if code := s.Wait(); code != 0 {
			t.Errorf("%v: code %d\n%s", signal, code, s.Output())
		}
		if found := processes(t, s); len(found) > 0 {
			t.Errorf("%v left %v", signal, found)
		}
	}
}

func TestARequestThatIsUnderWayIsAnsweredAfterSIGTERM(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	r := halfSent(t, s)
	s.Signal(syscall.SIGTERM)
	eventually(t, "new requests are refused", func() bool { return !accepts(s) })

	if status := r.finish(t); status != http.StatusCreated {
		t.Errorf("status %d", status)
	}
	if code := s.Wait(); code != 0 {
		t.Errorf("code %d\n%s", code, s.Output())
	}
	s.Restart()
	if !canLogIn(t, s, r.email, r.password) {
		t.Error("what was acknowledged is lost")
	}
}

func TestASecondSignalEndsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	halfSent(t, s)
	s.Signal(syscall.SIGTERM)
	eventually(t, "the stack says that it is stopping", func() bool { return strings.Contains(s.Output(), "stopping") })
	s.Signal(syscall.SIGTERM)
	if code := s.Wait(); code != -1 {
		t.Errorf("it ended by itself, with code %d", code)
	}
	eventually(t, "no process is left", func() bool { return len(processes(t, s)) == 0 })
}

func TestTheStackEndsWithAnErrorWhenDynoxideDies(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	for pid := range processes(t, s) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if code := s.Wait(); code != 1 || !strings.Contains(s.Output(), "dynoxide has ended") {
		t.Errorf("code %d\n%s", code, s.Output())
	}
}

func TestAnotherDynamoDBMayBeUsedAndTheStackEndsWhenAStreamIsTakenAway(t *testing.T) {
	t.Parallel()
	other, err := dynoxide.Start(t.Context(), dynoxide.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	s := stacktest.Start(t, "DYNAMODB_ENDPOINT="+other.URL())
	if found := processes(t, s); len(found) > 0 {
		t.Errorf("dynoxide runs all the same: %v", found)
	}
	if e := s.Endpoints(); e.DynamoDB != other.URL() {
		t.Errorf("endpoint: %s", e.DynamoDB)
	}
	table := prefix + "-events"
	if _, err := client(other.URL()).DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
		t.Fatal(err)
	}
	if code := s.Wait(); code != 1 || !strings.Contains(s.Output(), "the event source of ") {
		t.Errorf("code %d\n%s", code, s.Output())
	}
}

// request is a registration whose function waits for the rest of its body.
type request struct {
	conn            net.Conn
	reader          *bufio.Reader
	rest            string
	email, password string
}

// halfSent sends the first half of a request and returns when the stack has begun with it.
func halfSent(t *testing.T, s *stacktest.Stack) request {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := request{conn: conn, reader: bufio.NewReader(conn), email: "half@example.com", password: "correct horse battery"}
	body := fmt.Sprintf(`{"email":%q,"password":%q,"name":"Half"}`, r.email, r.password)
	r.rest = body[10:]
	fmt.Fprintf(conn, "POST /auth/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	if line, err := r.reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := r.reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, body[:10])
	return r
}

// finish sends the rest and returns the status of the answer.
func (r request) finish(t *testing.T) int {
	t.Helper()
	fmt.Fprint(r.conn, r.rest)
	resp, err := http.ReadResponse(r.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func accepts(s *stacktest.Stack) bool {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL(), "http://"), time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// processes finds, by process id, the commands that name the stack's folder: dynoxide.
func processes(t *testing.T, s *stacktest.Stack) map[int]string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ps", "-A", "-ww", "-o", "pid=,stat=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	for line := range strings.Lines(string(out)) {
		var pid int
		var stat string
		if _, err := fmt.Sscan(line, &pid, &stat); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, filepath.Join(s.DataDir, "dynamodb.db")) && !strings.HasPrefix(stat, "Z") {
			found[pid] = line
		}
	}
	return found
}
