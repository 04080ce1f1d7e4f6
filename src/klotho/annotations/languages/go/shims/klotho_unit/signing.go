package klotho_unit

// AWS Signature Version 4 of one request: its headers, or its address. Pure: no clock, no network. The rules:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

const algorithm = "AWS4-HMAC-SHA256"

// Proxies and tracers change these on the way, so a signature over them breaks for no good reason.
var unsigned = map[string]bool{
	"authorization": true, "connection": true, "expect": true, "transfer-encoding": true, "user-agent": true,
	"x-amzn-trace-id": true,
}

// credentials are an access key, of a role with the token of its session.
type credentials struct {
	accessKey, secretKey, sessionToken string
	// expires is zero for those that do not expire in this process.
	expires time.Time
}

// sign adds the headers that say who sends a request. payloadHash is the SHA-256 of its body, service the signing name.
func sign(request *http.Request, payloadHash, service, region string, keys credentials, now time.Time) {
	moment := now.UTC().Format("20060102T150405Z")
	request.Header.Set("X-Amz-Date", moment)
	if keys.sessionToken != "" {
		request.Header.Set("X-Amz-Security-Token", keys.sessionToken)
	}
	if service == "s3" {
		request.Header.Set("X-Amz-Content-Sha256", payloadHash)
	}
	headers := map[string]string{"host": hostOf(request.URL)}
	for name, values := range request.Header {
		if lower := strings.ToLower(name); !unsigned[lower] {
			headers[lower] = strings.Join(values, ",")
		}
	}
	scope := scopeOf(moment, region, service)
	canonical, signed := canonicalRequest(request.Method, request.URL, headers, payloadHash, service)
	request.Header.Set("Authorization", algorithm+" Credential="+keys.accessKey+"/"+scope+
		", SignedHeaders="+signed+", Signature="+signature(canonical, moment, scope, keys.secretKey))
}

// presign gives an address that is good for a while; whoever has it sends these headers, names in lower case.
func presign(
	method string, address *url.URL, headers map[string]string, service, region string, keys credentials,
	lifetime time.Duration, now time.Time,
) string {
	moment := now.UTC().Format("20060102T150405Z")
	scope := scopeOf(moment, region, service)
	sent := map[string]string{"host": hostOf(address)}
	for name, value := range headers {
		sent[name] = value
	}
	given := []string{
		"X-Amz-Algorithm", algorithm, "X-Amz-Credential", keys.accessKey + "/" + scope, "X-Amz-Date", moment,
		"X-Amz-Expires", strconv.Itoa(int(lifetime.Seconds())), "X-Amz-SignedHeaders", strings.Join(namesOf(sent), ";"),
	}
	if keys.sessionToken != "" {
		given = append(given, "X-Amz-Security-Token", keys.sessionToken)
	}
	signed := *address
	for at := 0; at < len(given); at += 2 {
		if signed.RawQuery != "" {
			signed.RawQuery += "&"
		}
		signed.RawQuery += given[at] + "=" + escaped(given[at+1], "")
	}
	payload := "UNSIGNED-PAYLOAD"
	if service != "s3" {
		payload = hashOf(nil)
	}
	canonical, _ := canonicalRequest(method, &signed, sent, payload, service)
	signed.RawQuery += "&X-Amz-Signature=" + signature(canonical, moment, scope, keys.secretKey)
	return signed.String()
}

// canonicalRequest gives the text that is signed, and the names of the headers in it.
func canonicalRequest(
	method string, address *url.URL, headers map[string]string, payloadHash, service string,
) (string, string) {
	names := namesOf(headers)
	lines := ""
	for _, name := range names {
		lines += name + ":" + strings.Join(strings.Fields(headers[name]), " ") + "\n"
	}
	signed := strings.Join(names, ";")
	path, query := canonicalPath(address.EscapedPath(), service), canonicalQuery(address.RawQuery)
	return strings.Join([]string{method, path, query, lines, signed, payloadHash}, "\n"), signed
}

func signature(canonical, moment, scope, secretKey string) string {
	key := []byte("AWS4" + secretKey)
	for _, part := range strings.Split(scope, "/") {
		key = authenticated(key, part)
	}
	text := strings.Join([]string{algorithm, moment, scope, hashOf([]byte(canonical))}, "\n")
	return hex.EncodeToString(authenticated(key, text))
}

func authenticated(key []byte, text string) []byte {
	code := hmac.New(sha256.New, key)
	code.Write([]byte(text))
	return code.Sum(nil)
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func scopeOf(moment, region, service string) string {
	return moment[:8] + "/" + region + "/" + service + "/aws4_request"
}

func namesOf(headers map[string]string) []string {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// hostOf is the header Host: a port only where it is not the scheme's own.
func hostOf(address *url.URL) string {
	if port := address.Port(); (address.Scheme == "http" && port == "80") || (address.Scheme == "https" && port == "443") {
		return strings.TrimSuffix(address.Host, ":"+port)
	}
	return address.Host
}

func canonicalPath(path, service string) string {
	if service == "s3" { // keys may hold `//` and `..`, so S3 alone signs the path as it is on the wire
		if path == "" {
			return "/"
		}
		return path
	}
	kept := []string{}
	for _, part := range strings.Split(path, "/") {
		switch {
		case part == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case part != "" && part != "." && part != "..":
			kept = append(kept, part)
		}
	}
	trailing := ""
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		trailing = "/"
	}
	// Escaped a second time on purpose: that is the rule for every service but S3.
	return escaped("/"+strings.Join(kept, "/")+trailing, "/")
}

func canonicalQuery(query string) string {
	pairs := [][2]string{}
	for _, part := range strings.Split(query, "&") {
		if part != "" {
			name, value := cut(part, "=")
			pairs = append(pairs, [2]string{name, value})
		}
	}
	sort.Slice(pairs, func(one, other int) bool {
		if pairs[one][0] != pairs[other][0] {
			return pairs[one][0] < pairs[other][0]
		}
		return pairs[one][1] < pairs[other][1]
	})
	lines := make([]string, len(pairs))
	for at, pair := range pairs {
		lines[at] = pair[0] + "=" + pair[1]
	}
	return strings.Join(lines, "&")
}

// escaped percent-encodes all but unreserved characters and those that are kept, as AWS wants it.
func escaped(text, kept string) string {
	found := strings.Builder{}
	for _, code := range []byte(text) {
		plain := 'a' <= code && code <= 'z' || 'A' <= code && code <= 'Z' || '0' <= code && code <= '9'
		if plain || strings.IndexByte("-_.~"+kept, code) >= 0 {
			found.WriteByte(code)
		} else {
			found.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{code})))
		}
	}
	return found.String()
}

// cut splits a text where a separator stands first.
func cut(text, separator string) (before, after string) {
	if at := strings.Index(text, separator); at >= 0 {
		return text[:at], text[at+len(separator):]
	}
	return text, ""
}
