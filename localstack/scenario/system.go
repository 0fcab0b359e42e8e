package scenario

import (
	"strings"
	"testing"
)

// System walks through what the API tells about itself.
func System(t *testing.T, api string) {
	nobody := Client{URL: api}
	t.Run("the document tells of every route, and so does the page", func(t *testing.T) {
		document := nobody.Expect(t, 200, "GET", "/openapi.json", nil)
		page := nobody.Expect(t, 200, "GET", "/docs", nil)
		paths, _ := document.Body["paths"].(map[string]any)
		for path := range paths {
			if !strings.Contains(page.Raw, path) {
				t.Errorf("the page does not have %s", path)
			}
		}
		if document.Text("openapi") != "3.1.0" || len(paths) == 0 {
			t.Errorf("the document begins with %.100s", document.Raw)
		}
		for _, tag := range []string{`src="http`, `href="http`, "url(http", "@import"} {
			if strings.Contains(page.Raw, tag) {
				t.Errorf("the page has something from elsewhere: %s", tag)
			}
		}
	})
}

// Views walks through what becomes of a read model.
func Views(t *testing.T, api string, operator, auditor Person) {
	const view = "/admin/views/accounts"
	nobody, ada := Client{URL: api}, Register(t, api, "views@example.com")
	status := func() any {
		for _, v := range operator.items(t, "/admin/views") {
			if v["name"] == "accounts" {
				return v["status"]
			}
		}
		return nil
	}
	t.Run("operators alone decide about views", func(t *testing.T) {
		for _, command := range []string{"/rebuild", "/switch", "/rollback", "/cancel"} {
			nobody.Refuse(t, 401, "unauthenticated", "POST", view+command, nil)
			ada.Refuse(t, 404, "not-found", "POST", view+command, nil)
			auditor.Refuse(t, 404, "not-found", "POST", view+command, nil)
			operator.Refuse(t, 404, "not-found", "POST", "/admin/views/nothing"+command, nil)
		}
	})
	t.Run("what there is not is neither switched to nor given up", func(t *testing.T) {
		operator.Refuse(t, 409, "view-not-rebuilt", "POST", view+"/switch", nil)
		operator.Refuse(t, 409, "view-no-rollback", "POST", view+"/rollback", nil)
		operator.Refuse(t, 409, "view-nothing-to-cancel", "POST", view+"/cancel", nil)
	})
	t.Run("a view is rebuilt, switched, switched back, and its other generation given up", func(t *testing.T) {
		eventually(t, "it is not rebuilt twice at a time", func() bool {
			operator.Expect(t, 202, "POST", view+"/rebuild", nil)
			a, err := operator.Send(t.Context(), "POST", view+"/rebuild", nil)
			if err != nil {
				t.Fatal(err)
			}
			if a.Status == 409 {
				return true
			}
			eventually(t, "it is built", func() bool { return status() == "built" })
			return false
		})
		eventually(t, "it is built", func() bool { return status() == "built" })
		for _, step := range []struct{ command, status string }{{"/switch", "previous"}, {"/rollback", "built"}, {"/cancel", "live"}} {
			operator.Expect(t, 200, "POST", view+step.command, nil)
			if got := status(); got != step.status {
				t.Errorf("after %s it is %v, want %s", step.command, got, step.status)
			}
		}
	})
	t.Run("what is parked is listed and tried again", func(t *testing.T) {
		for _, reader := range []Person{operator, auditor} {
			reader.Expect(t, 200, "GET", "/admin/parked", nil)
		}
		if a := operator.Expect(t, 200, "POST", "/admin/parked/redrive", map[string]string{"view": "accounts"}); a.Body["complete"] != true {
			t.Errorf("answer %s", a.Raw)
		}
		operator.Refuse(t, 400, "malformed", "POST", "/admin/parked/redrive", `{"view":1}`)
		auditor.Refuse(t, 404, "not-found", "POST", "/admin/parked/redrive", map[string]string{})
		ada.Refuse(t, 404, "not-found", "GET", "/admin/parked", nil)
	})
}
