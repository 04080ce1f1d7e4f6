package klotho_unit

// A small client for one bucket of S3.

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Objects are those of a bucket.
type Objects struct {
	base string
	// fault is why nothing can be asked of it.
	fault error
}

// Object is what a listing says of one; of a folder the name only, which ends with the delimiter.
type Object struct {
	Key          string
	Size         int64
	LastModified time.Time
	ETag         string
	IsFolder     bool `xml:"-"`
}

// IsDeployed says whether this process runs where Klotho deployed it.
func IsDeployed() bool { return isDeployed() }

// ObjectsOf gives those of the bucket of this name. One that the unit was not granted is an error when it is used: also
// units that only call another one have its packages, and what these open when a program starts.
func ObjectsOf(name string) (*Objects, error) {
	found, err := grantOf("buckets", name)
	if err != nil {
		return &Objects{fault: err}, nil
	}
	bucket := found.text("bucket")
	if configured := configuredEndpoint("s3"); configured != "" {
		return &Objects{base: configured + "/" + bucket}, nil
	}
	region, err := regionOf("")
	if err != nil {
		return nil, err
	}
	endpoint := endpointOf("s3", region)
	if strings.Contains(bucket, ".") { // AWS's certificates do not cover names with dots
		return &Objects{base: endpoint + "/" + bucket}, nil
	}
	return &Objects{base: strings.Replace(endpoint, "https://", "https://"+bucket+".", 1)}, nil
}

// Get gives an object from a byte on, with a length of less than 0 to its end; the caller closes the body.
func (bucket *Objects) Get(ctx context.Context, key string, offset, length int64) (*http.Response, error) {
	header := map[string]string{}
	switch {
	case length >= 0:
		header["Range"] = fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
	case offset > 0:
		header["Range"] = fmt.Sprintf("bytes=%d-", offset)
	}
	return bucket.request(http.MethodGet, key, header).send(ctx)
}

// Head gives the headers of an object.
func (bucket *Objects) Head(ctx context.Context, key string) (http.Header, error) {
	answer, err := bucket.request(http.MethodHead, key, nil).send(ctx)
	if err != nil {
		return nil, err
	}
	return answer.Header, answer.Body.Close()
}

// Put stores an object. hash: the SHA-256 of its content.
func (bucket *Objects) Put(
	ctx context.Context, key string, content io.ReadSeeker, size int64, hash string, header map[string]string,
) error {
	asked := bucket.request(http.MethodPut, key, header)
	asked.body, asked.size, asked.hash = content, size, hash
	return asked.done(ctx)
}

// Copy stores what another object of the bucket is.
func (bucket *Objects) Copy(ctx context.Context, to, from string) error {
	address, err := url.Parse(bucket.base)
	if err != nil {
		return err
	}
	name := strings.Trim(address.Path, "/")
	if name == "" {
		name, _ = cut(address.Host, ".s3.")
	}
	source := map[string]string{"X-Amz-Copy-Source": "/" + name + pathOf(from)}
	return bucket.request(http.MethodPut, to, source).done(ctx)
}

// Delete removes an object; one that is gone already is fine.
func (bucket *Objects) Delete(ctx context.Context, key string) error {
	return bucket.request(http.MethodDelete, key, nil).done(ctx)
}

// List gives one page of the objects and folders that begin so, in the order of their names, and how to ask for the
// next: empty at the end.
func (bucket *Objects) List(
	ctx context.Context, prefix, delimiter, token string, limit int,
) (page []Object, next string, err error) {
	query := url.Values{"list-type": {"2"}, "encoding-type": {"url"}, "max-keys": {strconv.Itoa(limit)}}
	for name, value := range map[string]string{"prefix": prefix, "delimiter": delimiter, "continuation-token": token} {
		if value != "" {
			query.Set(name, value)
		}
	}
	asked := awsRequest{service: "s3", method: http.MethodGet, base: bucket.base, fault: bucket.fault}
	asked.path = "/?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	answer, err := asked.send(ctx)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	var said struct {
		Contents              []Object
		CommonPrefixes        []struct{ Prefix string }
		NextContinuationToken string
	}
	if err := xml.NewDecoder(answer.Body).Decode(&said); err != nil {
		return nil, "", err
	}
	for _, folder := range said.CommonPrefixes {
		said.Contents = append(said.Contents, Object{Key: folder.Prefix, IsFolder: true})
	}
	for at := range said.Contents {
		if said.Contents[at].Key, err = url.QueryUnescape(said.Contents[at].Key); err != nil {
			return nil, "", err
		}
	}
	return said.Contents, said.NextContinuationToken, nil
}

// Presigned gives an address with which whoever has it may do one thing for a while.
func (bucket *Objects) Presigned(method, key string, header map[string]string, lifetime time.Duration) (string, error) {
	if bucket.fault != nil {
		return "", bucket.fault
	}
	keys, err := currentCredentials()
	if err != nil {
		return "", err
	}
	region, err := regionOf("")
	if err != nil {
		return "", err
	}
	address, err := url.Parse(bucket.base + pathOf(key))
	if err != nil {
		return "", err
	}
	return presign(method, address, header, "s3", region, keys, lifetime, time.Now()), nil
}

func (bucket *Objects) request(method, key string, header map[string]string) awsRequest {
	asked := awsRequest{service: "s3", method: method, path: pathOf(key), header: header, base: bucket.base}
	asked.fault = bucket.fault
	if key == "" {
		asked.fault = errors.New("the key of an object is empty")
	}
	return asked
}

// done sends a request whose answer has nothing to say.
func (asked awsRequest) done(ctx context.Context) error {
	answer, err := asked.send(ctx)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func pathOf(key string) string { return "/" + escaped(key, "/") }
