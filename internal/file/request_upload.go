package file

import (
	"context"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RequestUpload announces a file.
type RequestUpload struct {
	OwnerID, Name string
	Declared      Content
	ExpiresAt     time.Time
}

// uploadWithin is how long an upload may take to begin. S3 looks at it when a form arrives,
// not when its last byte does.
const uploadWithin = 5 * time.Minute

// ErrFileExists: the file has been announced already, by another command.
var ErrFileExists = &es.Error{Kind: es.Conflict, Code: "file-exists", Message: "This file exists already."}

// Decide implements [es.Command].
func (c RequestUpload) Decide(f File, _ time.Time) ([]events.File, error) {
	if f.Status != "" {
		return nil, ErrFileExists
	}
	return []events.File{events.FileUploadRequested{
		OwnerID: c.OwnerID, Name: c.Name, Size: c.Declared.Size, ContentType: c.Declared.Type, SHA256: c.Declared.SHA256,
		ExpiresAt: c.ExpiresAt,
	}}, nil
}

// requestUploadBody announces a file of 1 GiB at most, which can be sent in an hour over 2.5 Mbit/s.
type requestUploadBody struct {
	Name        string `json:"name" schema:"minLength=1 maxLength=255"`
	Size        *int64 `json:"size" schema:"minimum=0 maximum=1073741824"` // bytes
	ContentType string `json:"contentType" schema:"minLength=3 maxLength=255"`
	SHA256      string `json:"sha256" schema:"minLength=64 maxLength=64 pattern=^[0-9A-Fa-f]*$"` // hexadecimal
}

// UploadReply says how to upload a file that was announced.
type UploadReply struct {
	ID        string     `json:"id" schema:"format=uuid"`
	Version   es.Version `json:"version"`
	Upload    Upload     `json:"upload"`
	ExpiresAt time.Time  `json:"expiresAt"`
}

// requestUpload answers a repeat with a form that was signed anew and expires like the first.
func (m *Module) requestUpload(ctx context.Context, call api.Call, in requestUploadBody) (reply api.Reply[UploadReply], err error) {
	var bad api.Invalid
	name := validName(&bad, "/name", in.Name)
	declared := Content{Size: validSize(&bad, "/size", in.Size), Type: validType(&bad, "/contentType", in.ContentType), SHA256: strings.ToLower(in.SHA256)}
	if err := bad.Err(); err != nil {
		return reply, err
	}
	id, now := call.NewID("file"), m.Now()
	expires := now.Add(uploadWithin).UTC().Truncate(time.Millisecond)
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, files.New(id, RequestUpload{call.Caller.ID, name, declared, expires}))
	if err != nil {
		return reply, err
	}
	if result.Replay {
		file, err := files.Load(ctx, &m.Repository, id)
		if err != nil {
			return reply, err
		}
		expires = file.State.ExpiresAt
	}
	upload, err := m.Objects.Form(ctx, keyOf(call.Caller.ID, id), declared, expires.Sub(now))
	created := api.Created(result, "/files")
	return api.Reply[UploadReply]{
		Body:   UploadReply{ID: id, Version: result.Version, Upload: upload, ExpiresAt: expires},
		Status: created.Status, Version: created.Version, Location: created.Location, Replay: created.Replay,
	}, err
}
