// Package tokentest makes access tokens that nobody may take, for whoever takes them.
package tokentest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/token"
)

// Forger has what a test needs to forge tokens: the key that a deployment signs with, and one
// that it has signed with before.
type Forger struct {
	Key, Retired token.Key
	User         string // the subject of its tokens
	Now          time.Time
}

type object map[string]any

// Valid gives a token as the deployment itself would make it, which shows that the forged ones
// are refused for what is wrong with them.
func (f Forger) Valid(ctx context.Context) (string, error) {
	return f.token(ctx, f.Key, nil, nil)
}

// Forged gives tokens by what is wrong with them (RFC 8725).
func (f Forger) Forged(ctx context.Context) (map[string]string, error) {
	all := map[string]string{}
	var failed error
	add := func(what string, head, claims object) {
		signed, err := f.token(ctx, f.Key, head, claims)
		if err != nil {
			failed = err
		}
		all[what] = signed
	}
	at := func(d time.Duration) int64 { return f.Now.Add(d).Unix() }
	for _, name := range []string{"none", "None", "ES384", "EdDSA", "RS256"} {
		add("algorithm "+name, object{"alg": name}, nil)
	}
	add("no algorithm", object{"alg": nil}, nil)
	add("unknown kid", object{"kid": "unknown"}, nil)
	add("no kid", object{"kid": nil}, nil)
	add("kid that is no text", object{"kid": 1}, nil)
	add("no typ", object{"typ": nil}, nil)
	add("typ of other JWTs", object{"typ": "JWT"}, nil)
	add("crit", object{"crit": []string{"exp"}}, nil)
	add("b64", object{"b64": false, "crit": []string{"b64"}}, nil)
	add("jku", object{"jku": "http://127.0.0.1/jwks.json"}, nil)
	add("x5u", object{"x5u": "http://127.0.0.1/cert.pem"}, nil)
	add("another issuer", nil, object{"iss": "other"})
	add("no issuer", nil, object{"iss": nil})
	add("another audience", nil, object{"aud": "other"})
	add("no audience", nil, object{"aud": nil})
	add("expired", nil, object{"exp": at(-time.Minute)})
	add("no exp", nil, object{"exp": nil})
	add("exp that is no number", nil, object{"exp": "tomorrow"})
	add("not yet valid", nil, object{"nbf": at(time.Minute)})
	add("no nbf", nil, object{"nbf": nil})
	add("issued in the future", nil, object{"iat": at(time.Minute)})
	add("no iat", nil, object{"iat": nil})
	add("no subject", nil, object{"sub": nil})
	add("a subject that is no id", nil, object{"sub": "system:projector"})
	add("oversized", nil, object{"padding": strings.Repeat("x", 2048)})

	valid, err := f.Valid(ctx)
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	parts := strings.Split(valid, ".")
	head, claims, signature := parts[0], parts[1], parts[2]
	all["empty"] = ""
	all["no token"] = "x.y.z"
	all["no signature"] = head + "." + claims + "."
	all["two parts"] = head + "." + claims
	all["four parts"] = valid + "." + signature
	all["half a signature"] = head + "." + claims + "." + signature[:43]
	all["signature with bits beyond its end"] = valid[:len(valid)-1] + string(valid[len(valid)-1]+1) // of a letter's six bits the last four are too many
	all["signature of nothing but zeros"] = head + "." + claims + "." + encode(make([]byte, 64))
	all["other claims"] = head + "." + encode([]byte(strings.Replace(decode(claims), `"user"`, `"operator"`, 1))) + "." + signature
	all["padded"] = head + "=." + claims + "." + signature

	// What follows is signed as it should be, but does not say what it should.
	as := func(what string, key token.Key, head, claims string) {
		signed, err := sign(ctx, key, head, claims)
		if err != nil {
			failed = err
		}
		all[what] = signed
	}
	as("signature of another key", f.Retired, decode(head), decode(claims))
	as("claim that comes twice", f.Key, decode(head), strings.Replace(decode(claims), "{", `{"sub":"`+f.User+`",`, 1))
	as("head that says alg twice", f.Key, strings.Replace(decode(head), "{", `{"alg":"none",`, 1), decode(claims))
	as("head that says alg in capitals", f.Key, strings.Replace(decode(head), `"alg"`, `"ALG"`, 1), decode(claims))
	as("claims in capitals", f.Key, decode(head), strings.Replace(decode(claims), `"sub"`, `"SUB"`, 1))
	as("claims that are a list", f.Key, decode(head), "["+decode(claims)+"]")
	if all["retired key"], err = f.token(ctx, f.Retired, nil, nil); err != nil {
		return nil, err
	}
	if all["embedded key"], err = f.embedded(ctx); err != nil {
		return nil, err
	}
	for what, secret := range map[string]func(der, point []byte) []byte{
		"HS256 with the public key in PEM": func(der, _ []byte) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		},
		"HS256 with the public key in DER": func(der, _ []byte) []byte { return der },
		"HS256 with the public point":      func(_, point []byte) []byte { return point },
	} {
		if all[what], err = f.symmetric(ctx, secret); err != nil {
			return nil, err
		}
	}
	return all, failed
}

// token signs a token whose head and claims are those of a valid one but for some changes; nil
// leaves a member out.
func (f Forger) token(ctx context.Context, key token.Key, head, claims object) (string, error) {
	id, err := f.id(ctx, key)
	if err != nil {
		return "", err
	}
	h := object{"alg": "ES256", "typ": "at+jwt", "kid": id}
	c := object{
		"iss": "annals", "aud": "annals", "sub": f.User, "sid": f.User, "roles": []string{"user"},
		"iat": f.Now.Unix(), "nbf": f.Now.Unix(), "exp": f.Now.Add(time.Minute).Unix(),
	}
	for members, changes := range map[*object]object{&h: head, &c: claims} {
		maps.Copy(*members, changes)
		maps.DeleteFunc(*members, func(_ string, v any) bool { return v == nil })
	}
	return sign(ctx, key, text(h), text(c))
}

// embedded is signed with a key of the forger's own, which it brings along.
func (f Forger) embedded(ctx context.Context) (string, error) {
	list, err := token.NewKeys(f.clock, f.Retired).List(ctx)
	if err != nil {
		return "", err
	}
	return f.token(ctx, f.Retired, object{"jwk": object{"kty": "EC", "crv": "P-256", "x": encode(list[0].X), "y": encode(list[0].Y)}}, nil)
}

// symmetric is signed with a secret that everybody knows.
func (f Forger) symmetric(ctx context.Context, secret func(der, point []byte) []byte) (string, error) {
	signed, err := f.token(ctx, f.Key, object{"alg": "HS256"}, nil)
	if err != nil {
		return "", err
	}
	public, err := f.Key.Public(ctx)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	point, err := public.Bytes()
	if err != nil {
		return "", err
	}
	unsigned := signed[:strings.LastIndex(signed, ".")]
	mac := hmac.New(sha256.New, secret(der, point))
	mac.Write([]byte(unsigned))
	return unsigned + "." + encode(mac.Sum(nil)), nil
}

func (f Forger) id(ctx context.Context, key token.Key) (string, error) {
	list, err := token.NewKeys(f.clock, key).List(ctx)
	if err != nil {
		return "", err
	}
	return list[0].ID, nil
}

func (f Forger) clock() time.Time { return f.Now }

func sign(ctx context.Context, key token.Key, head, claims string) (string, error) {
	unsigned := encode([]byte(head)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(unsigned))
	der, err := key.Sign(ctx, digest[:])
	if err != nil {
		return "", err
	}
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &signature); err != nil {
		return "", err
	}
	return unsigned + "." + encode(append(signature.R.FillBytes(make([]byte, 32)), signature.S.FillBytes(make([]byte, 32))...)), nil
}

func text(o object) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // there is nothing in it that has no JSON
	}
	return string(b)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) string {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		panic(err) // it was encoded here
	}
	return string(b)
}
