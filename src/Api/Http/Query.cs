// The parameters behind the question mark: known ones only, each once, wrong ones named.
using System.Globalization;
using NodaTime;
using NodaTime.Text;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api;

/// <summary>A parameter and what it means, for the OpenAPI description.</summary>
sealed record Parameter(string Name, string Description);

readonly struct Query
{
    const int MostValues = 100;

    readonly IQueryCollection values;
    readonly HttpContext http;

    /// <summary><paramref name="prefix"/>: names that begin with it are known too.</summary>
    public Query(HttpContext http, IReadOnlyList<Parameter> known, string? prefix = null)
    {
        this.http = http;
        values = http.Request.Query;
        List<string>? unknown = null;
        foreach (var name in values.Keys)
            if (!known.Any(parameter => parameter.Name == name)
                && (prefix is null || name.Length <= prefix.Length || !name.StartsWith(prefix, StringComparison.Ordinal)))
                (unknown ??= []).Add(name);
        if (unknown is null) return;
        var takes = known.Count == 0 ? "this operation takes no parameters"
            : $"is not a parameter of this operation; it takes {string.Join(", ", known.Select(parameter => parameter.Name))}";
        throw Wrong([.. unknown.Select(name => (name, takes))]);
    }

    /// <summary>Refuses parameters of operations that take none. A request without any costs nothing, for such operations are asked
    /// often.</summary>
    public static void None(HttpContext http)
    {
        if (http.Request.QueryString.HasValue) _ = new Query(http, []);
    }

    /// <summary>Refuses the request for these, and for whatever else can be seen to be wrong without knowing the operation.</summary>
    RequestRefusedException Wrong(params IReadOnlyList<(string Name, string Problem)> found)
    {
        var all = found.ToList();
        foreach (var (name, given) in values)
        {
            if (all.Exists(wrong => wrong.Name == name)) continue;
            var problem = given is [null or ""] ? empty : given is not [{ } text] ? null
                : text.Any(char.IsControl) ? noControls
                : name is "from" or "to" or "at" && !IsTime(text, DateTimeZone.Utc, out _) ? wrongTime
                : name is "timeZone" && TimeZones.Find(text) is null ? wrongZone
                : name is "limit" or "top" && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                    ? "must be a whole number" : null;
            if (problem is not null) all.Add((name, problem));
        }
        IReadOnlyList<Core.Outcome> outcomes =
            [.. all.Take(mostNamed).Select(wrong => new Core.Outcome(Core.OutcomeStatus.Invalid, null, wrong.Name, wrong.Problem))];
        return new(outcomes[0]) { All = outcomes };
    }

    const int mostNamed = 20;
    const string empty = "is empty; give it a value, or leave the parameter out";
    const string noControls = "must not contain control characters";
    const string wrongZone = "must be an IANA time zone, such as Europe/Berlin";

    /// <summary>Periods are compared with the one before, and rounded to whole years: there is room on both sides.</summary>
    static readonly Instant earliest = Instant.FromUtc(1900, 1, 1, 0, 0);
    static readonly Instant latest = Instant.FromUtc(2900, 1, 1, 0, 0);
    static readonly string wrongTime = TimeConverter.Wrong + ", or a date, between the years 1900 and 2900";

    static bool IsTime(string text, DateTimeZone zone, out Instant time, bool isEnd = false, Core.Calendar? calendar = null)
    {
        if (LocalDatePattern.Iso.Parse(text) is { Success: true, Value: { Year: >= 1800 and < 3000 } date })
        {
            var day = isEnd ? date.PlusDays(1) : date;
            time = calendar is { } own ? own.StartOf(day) : zone.AtStartOfDay(day).ToInstant();
        }
        // A plus sign that was not encoded arrives as a space.
        else if (!TimeConverter.TryParse(text.Replace(' ', '+'), out time)) return false;
        return time >= earliest && time <= latest;
    }

    /// <summary>Every value of a parameter that may be repeated or separated by commas.</summary>
    public IReadOnlyList<string> Many(string name)
    {
        var self = this;
        return [.. values[name].SelectMany(value => (value ?? "").Split(','))
            .Select(value => value.Length > 0 ? value : throw self.Empty(name))];
    }

    /// <summary>What a parameter wants of a dimension: it may be repeated, and values with `*` or `?` are globs.</summary>
    public Wanted? Wanted(string name)
    {
        if (values[name] is not { Count: > 0 } given) return null;
        if (given.Count > MostValues) throw RequestRefusedException.Invalid(name, $"is given more than {MostValues} times");
        var self = this;
        return Engine.Wanted.Of([.. given.Select(value => self.Checked(name, value))]);
    }

    /// <summary>The parameters whose names begin with a prefix, by the rest of their names; null where there are none.</summary>
    public SortedDictionary<string, Wanted>? Prefixed(string prefix)
    {
        SortedDictionary<string, Wanted>? found = null;
        foreach (var name in values.Keys)
            if (name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal))
                (found ??= new(StringComparer.Ordinal))[name[prefix.Length..]] = Wanted(name)!;
        return found;
    }

    /// <summary>The account that is named; null is all of them, which only a caller of all of them may ask for.</summary>
    public string? Account(string name)
    {
        if (NamedAccount(name) is { } account) return account;
        var scope = Access.Caller.Of(http).Accounts;
        return scope.IsEverything ? null : scope.Only ?? throw RequestRefusedException.Invalid(
            name, $"must name an account: your key is for {string.Join(", ", scope.Patterns)}");
    }

    /// <summary>The account that is named, if one is.</summary>
    public string? NamedAccount(string name)
    {
        if (Text(name) is not { } account) return null;
        if (!Core.Validity.IsAccountId(account)) throw Wrong((name, "is not an account id"));
        return Access.Caller.Seen(http, account);
    }

    /// <summary>The value; null where the parameter is not given. An empty one is refused: it would be taken for all.</summary>
    public string? Text(string name)
    {
        var given = values[name];
        if (given.Count > 1) throw Wrong((name, "is given more than once"));
        return given.Count == 0 ? null : Checked(name, given[0]);
    }

    string Checked(string name, string? value) =>
        string.IsNullOrEmpty(value) ? throw Empty(name) : value.Any(char.IsControl) ? throw Wrong((name, noControls)) : value;

    RequestRefusedException Empty(string name) => Wrong((name, empty));

    public int Count(string name, int usual, int most)
    {
        if (Text(name) is not { } text) return usual;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1 && count <= most
            ? count : throw Wrong((name, $"must be a whole number from 1 to {most}"));
    }

    public bool? Flag(string name) => Text(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw Wrong((name, "must be true or false")),
    };

    /// <summary>
    /// A time, or a date, which is the start of that day in <paramref name="zone"/>; or its end, where the day is the last one.
    /// </summary>
    /// <param name="calendar">Whose days dates are; those of the zone, from midnight, where there is none.</param>
    public Instant? Time(string name, DateTimeZone zone, bool isEnd = false, Core.Calendar? calendar = null)
    {
        if (Text(name) is not { } text) return null;
        return IsTime(text, zone, out var time, isEnd, calendar) ? time : throw Wrong((name, wrongTime));
    }

    public DateTimeZone Zone(string name, DateTimeZone? usual = null) => Text(name) is not { } text ? usual ?? DateTimeZone.Utc
        : TimeZones.Find(text) ?? throw Wrong((name, wrongZone));
}
