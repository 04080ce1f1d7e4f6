// Package visits counts visits in a cache.
package visits

import (
	"context"
	"os"

	"github.com/redis/go-redis/v9"
)

/* @klotho::persist {
 *   id = "visits"
 *   [environment_variables]
 *   VISITS_URL = "redis_node.connection_string"
 * }
 */
var url = os.Getenv("VISITS_URL")

var client = open()

func open() *redis.Client {
	options, err := redis.ParseURL(url)
	if err != nil {
		panic(err)
	}
	return redis.NewClient(options)
}

// Count gives how often a name was counted, with this time.
func Count(name string) (int, error) {
	found, err := client.Incr(context.Background(), name).Result()
	return int(found), err
}
