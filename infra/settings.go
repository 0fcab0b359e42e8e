package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/interview-sandbox/annals/internal/topology"
)

// Props is what a deployment may choose. Everything else comes from the topology, so that
// two deployments cannot differ in anything that matters to the code.
type Props struct {
	Name         string   // prefixes every table and function, so that one account can hold several systems
	Arch         string   // arm64 costs less; x86_64 is for emulators that run functions on such a machine
	Domain       string   // where the API answers; "": at the address that API Gateway gives it, and nowhere else otherwise
	Certificate  string   // ARN of the domain's certificate
	MailIdentity string   // domain that this stack has SES send from; "": verifying the sender is left to others
	MailFrom     string   // sender of mail, whose address or domain is verified in SES
	PublicURL    string   // where the links in mail lead; "": the API
	CORSOrigins  []string // of pages that may use signed forms and links of files
	AlarmTopic   string   // ARN of the SNS topic that alarms tell; "": none, or one for AlarmMail
	AlarmMail    string   // address that alarms mail; "": none
	Stripe       string   // see app.Payments; "": the sandbox carries payments out
	LogDays      int      // days that logs are kept
	Throttle     int      // requests a second that the API takes, and as many at once
	Signing      []string // names of the keys that sign access tokens; the first one does
	Destroy      bool     // deleting the stack deletes its data
	Build        string   // folder with <function>.zip, a setting so that tests need no real build
}

// The forms of settings. The longest name leaves room for what AWS puts after it: names of roles
// have at most 64 characters, and the key's policy knows the roles by the beginning of theirs.
var (
	names        = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	domains      = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
	certificates = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+$`)
	topics       = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+$`)
	mailboxes    = regexp.MustCompile(`^([^<>]* <)?[^@<> ]+@[^@<> ]+>?$`)
	origins      = regexp.MustCompile(`^(\*|https?://[^/ ]+)$`)
)

const longestName = 24

// retentions are the days that CloudWatch can keep logs for, up to a year.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365}

// shortestCiphertext is less than what KMS makes of anything, and more than a key of Stripe's.
const shortestCiphertext = 128

// settings reads and checks what a deployment may choose. The error names every setting that is
// wrong, and what it has to be.
func settings(context func(key string) any) (Props, error) {
	read := func(key, fallback string) string {
		if v := context(key); v != nil && fmt.Sprint(v) != "" {
			return fmt.Sprint(v)
		}
		return fallback
	}
	p := Props{
		Name:         read("name", "annals"),
		Arch:         read("arch", "arm64"),
		Domain:       read("domain", ""),
		Certificate:  read("certificate", ""),
		MailIdentity: read("mailIdentity", ""),
		CORSOrigins:  strings.Split(read("corsOrigins", "*"), ","),
		AlarmTopic:   read("alarmTopic", ""),
		AlarmMail:    read("alarmMail", ""),
		Stripe:       read("stripeSecret", ""),
		Destroy:      read("removal", "retain") == "destroy",
		Build:        read("build", "build"),
	}
	sender := "example.com"
	if p.MailIdentity != "" {
		sender = p.MailIdentity
	}
	p.MailFrom = read("mailFrom", "Annals <annals@"+sender+">")
	if p.Domain != "" {
		p.PublicURL = "https://" + p.Domain
	}
	p.PublicURL = read("publicUrl", p.PublicURL)

	var wrong []error
	var err error
	if p.Signing, err = topology.SigningKeys(read("signingKeys", topology.DefaultSigningKeys)); err != nil {
		wrong = append(wrong, fmt.Errorf("-c signingKeys has to be as it can: %w", err))
	}
	want := func(ok bool, key, has string) {
		if !ok {
			// Of what it is nothing is told: it may be a secret.
			wrong = append(wrong, fmt.Errorf("-c %s has to be %s", key, has))
		}
	}
	number := func(key string, fallback int, has string, ok func(int) bool) int {
		n, err := strconv.Atoi(read(key, strconv.Itoa(fallback)))
		want(err == nil && ok(n), key, has)
		return n
	}
	p.LogDays = number("logDays", 14, fmt.Sprint("one of ", retentions), func(n int) bool { return slices.Contains(retentions, n) })
	p.Throttle = number("throttle", 1000, "requests a second, from 1 to 10000", func(n int) bool { return n >= 1 && n <= 10_000 })
	want(names.MatchString(p.Name) && len(p.Name) <= longestName, "name", fmt.Sprintf("at most %d of a-z, 0-9 and single hyphens, beginning with a letter", longestName))
	want(p.Arch == "arm64" || p.Arch == "x86_64", "arch", "arm64 or x86_64")
	want(p.Domain == "" || domains.MatchString(p.Domain), "domain", "a name such as api.example.com")
	want((p.Domain == "") == (p.Certificate == ""), "certificate", "given with domain, and only then")
	want(p.Certificate == "" || certificates.MatchString(p.Certificate), "certificate", "the ARN of a certificate of ACM, in the region of the stack")
	want(p.MailIdentity == "" || domains.MatchString(p.MailIdentity), "mailIdentity", "a domain such as example.com")
	want(mailboxes.MatchString(p.MailFrom), "mailFrom", "an address, or Name <address>")
	want(p.MailIdentity == "" || domainOf(p.MailFrom) == p.MailIdentity, "mailFrom", "an address at mailIdentity")
	want(p.PublicURL == "" || strings.HasPrefix(p.PublicURL, "https://"), "publicUrl", "the beginning of an https address")
	want(!slices.ContainsFunc(p.CORSOrigins, func(o string) bool { return !origins.MatchString(o) }), "corsOrigins", "* or origins such as https://example.com, with commas between them")
	want(p.AlarmTopic == "" || topics.MatchString(p.AlarmTopic), "alarmTopic", "the ARN of an SNS topic")
	want(p.AlarmTopic == "" || p.AlarmMail == "", "alarmMail", "left out if there is an alarmTopic")
	want(p.AlarmMail == "" || mailboxes.MatchString(p.AlarmMail) && !strings.Contains(p.AlarmMail, "<"), "alarmMail", "an address")
	want(slices.Contains([]string{"retain", "destroy"}, read("removal", "retain")), "removal", "retain or destroy")
	sealed, err := base64.StdEncoding.DecodeString(p.Stripe)
	want(p.Stripe == "" || err == nil && len(sealed) >= shortestCiphertext, "stripeSecret", "encrypted, as infra/README.md says: it is written into the template")
	return p, errors.Join(wrong...)
}

// address is that of a mailbox with or without a name.
func address(mailbox string) string {
	return strings.TrimSuffix(mailbox[strings.LastIndex(mailbox, "<")+1:], ">")
}

func domainOf(mailbox string) string {
	_, domain, _ := strings.Cut(address(mailbox), "@")
	return domain
}
