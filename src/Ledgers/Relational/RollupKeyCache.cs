// The keys of rollups by their numbers. Keys that add up over all accounts are remembered by view, as far as a process has read them;
// keys of single accounts are read when a question is about one, or when a row has a key that was not met before: memory holds what was
// asked for, and not every user of every account.
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Purser.Engine;

namespace Purser.Ledgers.Relational;

/// <summary>All keys of a view up to a number.</summary>
sealed record ViewKeys(IReadOnlyList<(int No, RollupKey Key)> Keys, int UpTo)
{
    public static readonly ViewKeys None = new([], 0);
}

/// <summary>What some keys have in common: in a view the name of somebody or of a model, which an index has; or, where there is no view, a
/// part of their texts.</summary>
readonly record struct KeyPart(RollupView? View, string Text);

sealed class RollupKeyCache
{
    /// <summary>So many keys take about 50 MB.</summary>
    const int MostKept = 250_000;

    readonly Lock gate = new();
    readonly ViewKeys[] views = [.. RollupView.All.Select(_ => ViewKeys.None)];
    readonly Dictionary<KeyPart, ViewKeys> parts = [];
    ConcurrentDictionary<int, RollupKey> met = new();
    int generation;

    /// <summary>People are looked at one after the other.</summary>
    const int MostParts = 32;

    public (ViewKeys Keys, int Generation) Of(RollupView view)
    {
        lock (gate) return (views[view.No], generation);
    }

    /// <summary>The keys that have something in common.</summary>
    public (ViewKeys Keys, int Generation) With(KeyPart part)
    {
        lock (gate) return (parts.GetValueOrDefault(part, ViewKeys.None), generation);
    }

    public void Keep(KeyPart part, ViewKeys keys, int ofGeneration)
    {
        if (keys.Keys.Count > MostKept) return;
        lock (gate)
        {
            if (generation != ofGeneration || parts.GetValueOrDefault(part, ViewKeys.None).UpTo >= keys.UpTo) return;
            parts.Remove(part);
            if (parts.Count >= MostParts || parts.Values.Sum(of => of.Keys.Count) + keys.Keys.Count > MostKept) parts.Clear();
            parts[part] = keys;
        }
    }

    /// <summary>Remembers what was read, unless keys were taken away since, or somebody has read more.</summary>
    public void Keep(RollupView view, ViewKeys keys, int ofGeneration)
    {
        if (keys.Keys.Count > MostKept) return;
        lock (gate)
            if (generation == ofGeneration && views[view.No].UpTo < keys.UpTo)
                views[view.No] = keys;
    }

    /// <summary>The keys of accounts that rows had, for one set of questions: none is forgotten meanwhile.</summary>
    public ConcurrentDictionary<int, RollupKey> Met
    {
        get
        {
            lock (gate) return met.Count > MostKept ? met = new() : met;
        }
    }

    /// <summary>Keys were taken away: all are read again.</summary>
    public void Forget()
    {
        lock (gate)
        {
            generation++;
            Array.Fill(views, ViewKeys.None);
            parts.Clear();
            met = new();
        }
    }
}

/// <summary>The keys that some questions need, while they are answered. A ledger reads what <see cref="After"/>,
/// <see cref="Accounts"/> and <see cref="Parts"/> say, and hands each over.</summary>
sealed class RollupKeyBook
{
    readonly RollupKeyCache cache;
    readonly int lastKey;
    readonly Dictionary<RollupView, Whole> views = [];
    readonly Dictionary<string, List<(int No, RollupKey Key)>> accounts = new(StringComparer.Ordinal);
    readonly Dictionary<KeyPart, Whole> parts = [];

    sealed record Whole(ViewKeys Known, int Generation)
    {
        public List<(int No, RollupKey Key)> More { get; } = [];

        public RollupKeys? Read { get; set; }
    }

    /// <param name="lastKey">The highest number in this moment.</param>
    public RollupKeyBook(RollupKeyCache cache, int lastKey, IEnumerable<QuestionReading> readings)
    {
        (this.cache, this.lastKey, Met) = (cache, lastKey, cache.Met);
        foreach (var reading in readings)
            foreach (var view in reading.Views)
                if (!view.IsOfAll)
                {
                    foreach (var account in AccountsOf(reading.Filter) ?? []) accounts.TryAdd(account, []);
                    foreach (var part in PartsOf(view, reading.Filter))
                    {
                        if (parts.ContainsKey(part)) continue;
                        var (known, generation) = cache.With(part);
                        parts[part] = new(known, generation);
                    }
                }
                else if (!views.ContainsKey(view))
                {
                    var (known, generation) = cache.Of(view);
                    views[view] = new(known, generation);
                }
    }

    /// <summary>Reading the keys of more accounts one by one costs more than meeting them in rows.</summary>
    const int MostAccounts = 50;

    /// <summary>The accounts that a filter names, where those are few; else null.</summary>
    static IReadOnlyList<string>? AccountsOf(UsageFilter filter) => filter.Account is { } one ? [one]
        : filter.Accounts is { Globs.Count: 0, Values: { Count: <= MostAccounts } few } ? [.. few.Distinct(StringComparer.Ordinal)] : null;

    /// <summary>Of more names the keys are met in rows.</summary>
    const int MostNames = 10;

    /// <summary>What keys of a view have, one or the other, where a filter over all accounts is about few persons or models; else
    /// nothing.</summary>
    static IReadOnlyList<KeyPart> PartsOf(RollupView view, UsageFilter filter)
    {
        if (AccountsOf(filter) is not null) return [];
        var named = (view.Kept & ~RollupDimensions.Account) switch
        {
            RollupDimensions.Model => filter.Model,
            RollupDimensions.User => filter.User,
            RollupDimensions.Orchestrator => filter.Orchestrator,
            RollupDimensions.Tenant => filter.Tenant,
            // The index has the users of these.
            _ => view == RollupView.Full ? filter.User : null,
        };
        return named is { Globs.Count: 0, Values.Count: > 0 and <= MostNames }
            ? [.. named.Values.Distinct().Select(one => new KeyPart(view, one))]
            : (Text("tenant", filter.Tenant) ?? Text("orchestrator", filter.Orchestrator)) is { } part ? [part] : [];
    }

    /// <summary>Quotes inside of a name are written in another way, so that nothing else has this text.</summary>
    static KeyPart? Text(string name, Wanted? wanted) =>
        wanted is { Globs.Count: 0, Values: [var one] } ? new(null, $"\"{name}\":\"{JsonEncodedText.Encode(one)}\"") : null;

    /// <summary>Of each of these all keys are to be read that have it, and whose numbers lie behind one.</summary>
    public IEnumerable<(KeyPart Part, int After)> Parts => parts.Where(part => part.Value.Known.UpTo < lastKey)
        .Select(part => (part.Key, part.Value.Known.UpTo));

    public void TakeWith(KeyPart part, int no, ReadOnlySpan<byte> text) =>
        parts[part].More.Add((no, RollupKey.Parse(Encoding.UTF8.GetString(text))));

    /// <summary>Keys of accounts by their numbers, as rows are met.</summary>
    public ConcurrentDictionary<int, RollupKey> Met { get; }

    /// <summary>The accounts of which all keys are to be read: those whose text begins with <see cref="BeginningOf"/>.</summary>
    public IReadOnlyCollection<string> Accounts => accounts.Keys;

    IEnumerable<Whole> Behind => views.Values.Where(view => view.Known.UpTo < lastKey);

    /// <summary>All keys behind this number are to be read that add up over all accounts; null where none is.</summary>
    public int? After => Behind.Any() ? Behind.Min(view => view.Known.UpTo) : null;

    /// <summary>Texts from the first of these on, and below the second. Keys over all accounts are those of none.</summary>
    public static (string From, string Below) BeginningOf(string account) =>
        ($"{{\"account\":\"{account}\"", $"{{\"account\":\"{account}#");

    public void Take(int no, ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("{\"account\":\"\""u8)) return;
        var key = RollupKey.Parse(Encoding.UTF8.GetString(text));
        if (views.TryGetValue(RollupView.All[key.View], out var whole) && no > whole.Known.UpTo) whole.More.Add((no, key));
    }

    public void TakeOf(string account, int no, ReadOnlySpan<byte> text) =>
        accounts[account].Add((no, RollupKey.Parse(Encoding.UTF8.GetString(text))));

    public void TakeMet(int no, ReadOnlySpan<byte> text) => Met[no] = RollupKey.Parse(Encoding.UTF8.GetString(text));

    /// <summary>Null where nobody knows which there are: each is met in a row.</summary>
    public RollupKeys? Of(RollupView view, UsageFilter filter)
    {
        if (view.IsOfAll)
        {
            var whole = views[view];
            if (whole.Read is null && Known(whole, (keys, of) => cache.Keep(view, keys, of)) is var all) whole.Read = new(all, all.Count);
            return whole.Read;
        }
        // How many keys a view has in all need not be known exactly.
        var about = Math.Max(1, lastKey / 4);
        if (AccountsOf(filter) is { } few)
            return new([.. few.SelectMany(account => accounts[account]).Where(key => key.Key.View == view.No)], about);
        if (PartsOf(view, filter) is not { Count: > 0 } some) return null;
        var those = new List<(int No, RollupKey Key)>();
        foreach (var part in some)
        {
            var found = parts[part];
            found.Read ??= new(Known(found, (keys, of) => cache.Keep(part, keys, of)), about);
            those.AddRange(found.Read.All.Where(key => key.Key.View == view.No));
        }
        return new(those, about);
    }

    IReadOnlyList<(int No, RollupKey Key)> Known(Whole whole, Action<ViewKeys, int> keep)
    {
        var keys = whole.More.Count == 0 ? whole.Known.Keys : [.. whole.Known.Keys, .. whole.More.OrderBy(key => key.No)];
        keep(new(keys, Math.Max(lastKey, whole.Known.UpTo)), whole.Generation);
        return keys;
    }
}
