// A line of a batch and its answer. They are described here and written by hand: a line is read in one pass, its body where it stands.
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Api.Documents;

/// <summary>One operation. Its lines stand for themselves: each has an outcome of its own.</summary>
public sealed class BatchLineDocument
{
    /// <summary>The operation, as it is called here.</summary>
    [Required]
    [AllowedValues("check", "reserve", "extend", "settle", "release", "recordUsage", "addOverride")]
    public string? Operation { get; set; }

    /// <summary>The account that it is for.</summary>
    [Required]
    public string? Account { get; set; }

    /// <summary>The id of the reservation; only for extend, settle and release.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reservation { get; set; }

    /// <summary>The body that the operation takes alone. Whatever it makes has an `id` there: a line that is sent again counts
    /// once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Body { get; set; }
}

/// <summary>What became of a line.</summary>
public sealed class BatchResultDocument
{
    /// <summary>Which line of the request, from 1; empty lines are counted and not answered.</summary>
    public long Line { get; set; }

    /// <summary>The HTTP status that the operation would have had alone.</summary>
    public long Status { get; set; }

    /// <summary>The body that the operation would have been answered with: below 400 its answer, else a problem.</summary>
    public JsonElement Body { get; set; }
}
