package klotho_unit_blobs

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"gocloud.dev/blob/driver"
	"gocloud.dev/blob/drivertest"

	"klotho.invalid/klotho_unit"
)

// inBucket is the bucket of S3 that the test which starts this one serves.
type inBucket struct{}

func (inBucket) MakeDriver(context.Context) (driver.Bucket, error) {
	objects, err := klotho_unit.ObjectsOf("media")
	return &bucket{objects}, err
}

func (inBucket) MakeDriverForNonexistentBucket(context.Context) (driver.Bucket, error) {
	objects, err := klotho_unit.ObjectsOf("missing")
	return &bucket{objects}, err
}

func (inBucket) HTTPClient() *http.Client { return http.DefaultClient }
func (inBucket) Close()                   {}

// gocloud's own test of what a driver must do.
func TestTheDriverIsOneOfGocloud(t *testing.T) {
	harness := func(context.Context, *testing.T) (drivertest.Harness, error) { return inBucket{}, nil }
	drivertest.RunConformanceTests(t, harness, nil)
}

func TestAnObjectLargerThanTheMemoryForItIsKeptWhole(t *testing.T) {
	kept, err := Opened("media", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, large := context.Background(), strings.Repeat("0123456789", inMemory/10+1)
	if err := kept.WriteAll(ctx, "large", []byte(large), nil); err != nil {
		t.Fatal(err)
	}
	if found, err := kept.ReadAll(ctx, "large"); err != nil || string(found) != large {
		t.Error(err, len(found))
	}
}

func TestABucketOfAnotherUnitIsAnErrorWhenItIsUsed(t *testing.T) {
	kept, err := Opened("another's", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.ReadAll(context.Background(), "it"); err == nil || !strings.Contains(err.Error(), "another's") {
		t.Error(err)
	}
}
