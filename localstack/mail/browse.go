package mail

import (
	"log/slog"
	"net/http"
)

// maxListed is how many mails a list has: the newest.
const maxListed = 100

// Browser lets people look at the mails of a folder: GET /dev/mail lists the newest, GET
// /dev/mail/{name} gives one as it was sent.
func Browser(d Dir, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	failed := func(w http.ResponseWriter, err error) {
		log.Error("mail cannot be shown", "error", err.Error())
		answer(w, http.StatusInternalServerError, map[string]string{"message": "The mail cannot be shown; the log says why."})
	}
	mux.HandleFunc("GET /dev/mail", func(w http.ResponseWriter, _ *http.Request) {
		names, err := d.names()
		if err != nil {
			failed(w, err)
			return
		}
		items := []Summary{}
		for _, name := range names[:min(len(names), maxListed)] {
			s, err := d.summary(name)
			if err != nil {
				failed(w, err)
				return
			}
			items = append(items, s)
		}
		answer(w, http.StatusOK, map[string]any{"items": items})
	})
	mux.HandleFunc("GET /dev/mail/{name}", func(w http.ResponseWriter, r *http.Request) {
		content, err := d.read(r.PathValue("name"))
		switch {
		case err != nil:
			failed(w, err)
		case content == nil:
			answer(w, http.StatusNotFound, map[string]string{"message": "There is no such mail."})
		default:
			w.Header().Set("Content-Type", "message/rfc822")
			w.Write(content)
		}
	})
	return mux
}
