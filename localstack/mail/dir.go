package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Dir is a folder of mails. The name of a mail's file begins with the time at which it was first
// sent and ends with its key, so that a mail that is sent again replaces itself.
type Dir string

const suffix = ".eml"

// letter is one mail on its way to a file.
type letter struct {
	key, notification   string
	at                  time.Time
	from, to            *mail.Address
	subject, text, html string
}

// put writes a mail into its file, whole or not at all.
func (d Dir) put(l letter) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("make the folder of mails: %w", err)
	}
	name := l.at.UTC().Format("20060102T150405.000Z") + "-" + l.key + suffix
	there, err := filepath.Glob(filepath.Join(string(d), "*-"+l.key+suffix))
	if err != nil {
		return fmt.Errorf("look for the mail: %w", err)
	}
	if len(there) > 0 {
		name = filepath.Base(there[0])
	}
	content, err := l.render()
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	f, err := os.CreateTemp(string(d), "."+name+".*") // with mode 0600
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	defer os.Remove(f.Name()) // of no effect once it has its place
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(string(d), name))
	}
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	return nil
}

// render gives the mail in the form of RFC 5322, with its text and its HTML as alternatives.
func (l letter) render() ([]byte, error) {
	var b bytes.Buffer
	body := multipart.NewWriter(&b)
	if err := body.SetBoundary("annals-" + l.key); err != nil {
		return nil, err
	}
	for _, header := range [][2]string{
		{"Date", l.at.UTC().Format(time.RFC1123Z)},
		{"From", l.from.String()},
		{"To", l.to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", l.subject)},
		{"Message-ID", "<" + l.key + "@annals.localhost>"},
		{"X-Annals-Notification", l.notification},
		{"MIME-Version", "1.0"},
		{"Content-Type", mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": body.Boundary()})},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", header[0], header[1])
	}
	b.WriteString("\r\n")
	for _, part := range [][2]string{{"text/plain", l.text}, {"text/html", l.html}} {
		w, err := body.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part[0] + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		_, err = io.WriteString(q, part[1])
		if err = errors.Join(err, q.Close()); err != nil {
			return nil, err
		}
	}
	if err := body.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// names lists the mails there are, newest first.
func (d Dir) names() (names []string, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the mails: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	slices.Reverse(names)
	return names, nil
}

// read reads a mail; nil if there is none of this name.
func (d Dir) read(name string) ([]byte, error) {
	names, err := d.names()
	if err != nil || !slices.Contains(names, name) {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(string(d), name))
	if err != nil {
		return nil, fmt.Errorf("read a mail: %w", err)
	}
	return content, nil
}

// Summary is what a list shows of a mail.
type Summary struct {
	Name    string    `json:"name"`
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

func (d Dir) summary(name string) (s Summary, err error) {
	content, err := d.read(name)
	if err != nil {
		return s, err
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return s, fmt.Errorf("read mail %s: %w", name, err)
	}
	s = Summary{Name: name, From: m.Header.Get("From"), To: m.Header.Get("To")}
	if to, err := mail.ParseAddress(s.To); err == nil {
		s.To = to.Address
	}
	if s.At, err = m.Header.Date(); err == nil {
		s.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	}
	if err == nil {
		s.Text, err = textOf(m)
	}
	if err != nil {
		return s, fmt.Errorf("read mail %s: %w", name, err)
	}
	return s, nil
}

// textOf gives the first part of a mail, which is its text.
func textOf(m *mail.Message) (string, error) {
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextPart() // decodes quoted-printable
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(part)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}
