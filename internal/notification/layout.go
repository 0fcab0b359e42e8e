package notification

import (
	"html"
	"strings"
)

// The layouts of mails. They are filled in by hand, because with text/template or html/template
// the linker keeps every method of every type, the SDK's included, and makes functions twice as
// large.
const (
	textLayout = `{title}

{text}
{action}
--
Annals, {origin}
`
	textAction = `
{label}:
{link}

Or send this token to POST {path}:
{token}
`
	htmlLayout = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="margin:0;padding:32px 16px;background:#f4f4f5;color:#18181b;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:32em;margin:auto;padding:32px;background:#fff;border-radius:8px">
<h1 style="margin:0 0 16px;font-size:20px">{title}</h1>
<p>{text}</p>
{action}<p style="margin:32px 0 0;color:#71717a;font-size:13px">Annals, {origin}</p>
</div>
</body>
</html>
`
	htmlAction = `<p><a href="{link}" style="display:inline-block;padding:10px 18px;border-radius:6px;background:#18181b;color:#fff;text-decoration:none">{label}</a></p>
<p style="color:#71717a;font-size:13px">Or send this token to POST {path}:<br><code style="word-break:break-all">{token}</code></p>
`
)

// letter is what the layouts make a mail of.
type letter struct {
	told
	Origin string // of links
	Path   string // that takes the token
	Token  string // "": there is nothing to be done
}

// write gives the two parts of a mail. The token of the link is in the part that browsers keep
// to themselves, so that no server logs it.
func (l letter) write() (plain, rich string) {
	words := []string{"{title}", l.Title, "{text}", l.Text, "{origin}", l.Origin, "{label}", l.Link,
		"{link}", l.Origin + l.Path + "#token=" + l.Token, "{path}", l.Path, "{token}", l.Token}
	escaped := append([]string{}, words...)
	for i := 1; i < len(words); i += 2 {
		escaped[i] = html.EscapeString(words[i])
	}
	plainAction, richAction := "", ""
	if l.Token != "" {
		plainAction, richAction = textAction, htmlAction
	}
	fill := func(layout, action string, words []string) string {
		return strings.NewReplacer(words...).Replace(strings.Replace(layout, "{action}", action, 1))
	}
	return fill(textLayout, plainAction, words), fill(htmlLayout, richAction, escaped)
}
