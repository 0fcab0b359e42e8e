package operator

import (
	"context"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// VerifyReply tells whether a stream is as it was written.
type VerifyReply struct {
	Stream   es.Stream `json:"stream"`
	Commits  int       `json:"commits"` // that fit
	OK       bool      `json:"ok"`
	FirstBad *FirstBad `json:"firstBad,omitempty"`
}

// FirstBad is the first commit that does not fit.
type FirstBad struct {
	Version es.Version `json:"version"`
	Reason  string     `json:"reason"`
}

// verify checks a stream against its own hashes and against its snapshot, which remembers
// how far the stream had come.
func (m *Module) verify(ctx context.Context, call api.Call) (reply api.Reply[VerifyReply], err error) {
	s, err := stream(call)
	if err != nil {
		return reply, err
	}
	var witnesses []es.Witness
	if snapshot, ok, err := m.Snapshots.Load(ctx, s); err != nil {
		return reply, err
	} else if ok && snapshot.Hash == snapshot.ComputeHash() {
		witnesses = append(witnesses, es.Witness{Version: snapshot.Version, Hash: &snapshot.Tip})
	}
	report, err := es.Verify(ctx, m.Events, s, witnesses...)
	if err != nil {
		return reply, err
	}
	if report.OK() && report.Commits == 0 {
		return reply, api.ErrNotFound
	}
	reply.Body = VerifyReply{Stream: s, Commits: report.Commits, OK: report.OK()}
	if bad := report.FirstBad; bad != nil {
		reply.Body.FirstBad = &FirstBad{bad.Version, bad.Reason}
	}
	return reply, nil
}
