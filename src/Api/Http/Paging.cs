// How lists are paged: the same parameters everywhere.
namespace Purser.Api;

static class Paging
{
    public const int Usual = 100;
    public const int Largest = 1000;

    public static readonly IReadOnlyList<Parameter> Parameters = [new("cursor", "`nextCursor` of the page before"), Limit("")];

    public static readonly IReadOnlyList<Parameter> OfLimits =
        [new("cursor", "`nextCursor` of the page of limits before"), Limit("limits on a page: ")];

    static Parameter Limit(string what) => new("limit", $"{what}1 to {Largest}, {Usual} if not said");

    public static (string? Cursor, int Limit) Of(Query query) => (query.Text("cursor"), query.Count("limit", Usual, Largest));
}
