module example.com/shop

go 1.22

require (
	github.com/lib/pq v1.10.7
	gocloud.dev v0.23.0
)
