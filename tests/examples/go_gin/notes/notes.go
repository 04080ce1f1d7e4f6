// @klotho::execution_unit { id = "notes" }
package notes

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

type note struct {
	Title string   `json:"title" binding:"required"`
	Stars int      `json:"stars" binding:"gte=0,lte=5"`
	Tags  []string `json:"tags"`
}

func Register(group *gin.RouterGroup) {
	group.POST("/", create)
	group.GET("/:id", show)
	group.Handle(http.MethodDelete, "/:id", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	group.GET("/:id/old", func(c *gin.Context) { c.Redirect(http.StatusFound, "/api/notes/"+c.Param("id")) })
}

func create(c *gin.Context) {
	var given note
	if err := c.ShouldBindJSON(&given); err != nil {
		c.JSON(http.StatusUnprocessableEntity, gin.H{"error": err.Error()})
		return
	}
	given.Tags = append(given.Tags, strings.ToLower(given.Title))
	c.JSON(http.StatusCreated, given)
}

func show(c *gin.Context) {
	c.XML(http.StatusOK, gin.H{"id": c.Param("id"), "user": c.MustGet(gin.AuthUserKey)})
}
