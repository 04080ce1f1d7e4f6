using System.Collections.Generic;
using System.ComponentModel.DataAnnotations;
using System.Linq;
using Kinds;
using Microsoft.AspNetCore.Mvc;

namespace Pets.Controllers
{
    [ApiController]
    [Route("api/[controller]")]
    public class PetsController : ControllerBase
    {
        private readonly Catalogue _catalogue;

        public PetsController(Catalogue catalogue) => _catalogue = catalogue;

        [HttpGet]
        public ActionResult<IEnumerable<Pet>> Every(string kind)
        {
            if (kind != null && !Kind.IsKnown(kind))
            {
                return BadRequest(new { error = $"a pet is no {kind}", kinds = Kind.All });
            }
            return Ok(_catalogue.Of(kind));
        }

        [HttpGet("{name}")]
        public ActionResult<Pet> One(string name)
        {
            var found = _catalogue.Find(name);
            return found == null ? (ActionResult<Pet>)NotFound() : found;
        }

        [HttpGet("{name}/age/{year:int:min(2019)?}")]
        public ActionResult<int> Age(string name, int year = 2026)
        {
            var found = _catalogue.Find(name);
            return found == null ? (ActionResult<int>)NotFound() : year - found.Born.Year;
        }

        [HttpPost("{name}/adoptions")]
        public ActionResult<Adoption> Adopt(string name, Adoption wish)
        {
            if (_catalogue.Find(name) == null)
            {
                return NotFound();
            }
            Response.Cookies.Append("owner", wish.Owner);
            return CreatedAtAction(nameof(One), new { name }, new Adoption { Owner = wish.Owner.Trim(), Fee = 25.50m });
        }

        [HttpDelete("/api/cache")]
        public IActionResult Forget() => NoContent();

        [AcceptVerbs("PUT", "PATCH", Route = "{name}")]
        public IActionResult Change(string name) => Conflict(new { error = $"{name} stays as it is" });

        [NonAction]
        public int Count() => _catalogue.Of(null).Count();
    }

    public class Adoption
    {
        [Required, StringLength(20)]
        public string Owner { get; set; }

        public decimal Fee { get; set; }
    }
}
