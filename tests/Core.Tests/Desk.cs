// One account served without an engine: virtual time, a plain ledger in memory, and after every step the checks that hold for any state.
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;

namespace Purser.Core.Tests;

/// <summary>
/// Sends commands to one budget as an engine would. After each step the events, encoded and decoded, are applied to a second state that
/// must equal the first; what is held must be what the active holds left on the counters.
/// </summary>
sealed class Desk(string account = "acme")
{
    readonly Dictionary<string, UsageRecord> usage = [];
    readonly HashSet<string> erased = [];
    readonly Dictionary<string, string> closedHolds = [];
    BudgetState replayed = new(account);

    public BudgetState State { get; private set; } = new(account);
    public Settings Settings { get; set; } = new(1, Policy.Empty, 0, Prices);
    public Instant Now { get; set; } = Instant.FromUtc(2026, 3, 2, 10, 0);

    /// <summary>Everything that ever happened, in order, and what the last step added.</summary>
    public List<BudgetEvent> Journal { get; } = [];
    public IReadOnlyList<BudgetEvent> Last { get; private set; } = [];
    public IReadOnlyCollection<UsageRecord> Usage => usage.Values;

    /// <summary>Drops closed holds and usage from memory after every step, as if a long time had passed.</summary>
    public bool Forgets { get; set; }

    /// <summary>Records booked before this are gone, as if they had grown too old.</summary>
    public Instant? KeptSince { get; set; }

    /// <summary>Replaces the state by its own JSON after every step, as if the account had been evicted.</summary>
    public bool Reloads { get; set; }

    /// <summary>Takes every counter out of memory after every step that may leave it, as a busy account does.</summary>
    public bool Leaves { get; set; }

    readonly SortedDictionary<(int No, string Key), (Instant Until, string Json)> away = [];

    /// <summary>The checks after each step; the same commands may be sent to several desks, and one checked desk is enough.</summary>
    public bool Checks { get; set; } = true;

    /// <summary>Round figures, so that tables can be read without a calculator: 1 and 2 millionths of a dollar per token.</summary>
    public static readonly PriceBook Prices = new("test-1",
    [
        ModelPrice.Flat("openai", "small", 1m, 2m, "USD", 1000, "small-2026"),
        ModelPrice.Flat("openai", "big", 10m, 20m, "USD", 1000),
        ModelPrice.Of("anthropic", "wise", Rates.Of(
            (RateKind.Input, 5m), (RateKind.Output, 25m), (RateKind.CachedInput, 0.5m), (RateKind.CacheWrite5m, 6.25m),
                (RateKind.PerWebSearchMedium, 0.01m)), "USD", 1000),
        ModelPrice.Flat("mistral", "euro", 1m, 2m, "EUR"),
        new() { Provider = "openai", Model = "short", ContextWindow = 400, Periods = ModelPrice.Flat("openai", "short", 1m, 2m).Periods },
        ModelPrice.Flat("openai", "dear", 1_000_000_000m, 1_000_000_000m),
    ]);

    public Outcome Send(BudgetCommand command)
    {
        if (command is IdentifiedCommand identified) identified.Fingerprint = FingerprintOf(command);
        var needs = Budget.NeedsOf(State, command);
        foreach (var hold in (string?[])[needs.HoldId, needs.LenderId])
            if (hold is not null && closedHolds.TryGetValue(hold, out var closed))
                State.Remember(JsonSerializer.Deserialize(closed, CoreJson.Default.Hold)!);
        foreach (var id in (needs.MoreUsage ?? []).Append(needs.UsageId)
            .Concat(usage.Values.Where(record => record.Corrects is { } other && needs.Beside?.Contains(other) == true)
                .Select(record => record.Id).ToList()))
            if (id is not null && usage.TryGetValue(id, out var known)) State.Remember(known with { IsErased = erased.Contains(id) });
        Return(CounterMemory.Named(State, command, Settings, Now));
        Show(command);
        var seeding = Budget.Plan(State, command, Settings, Now);
        if (seeding?.From is { } from)
            foreach (var record in usage.Values.Where(record => record.At >= from && !(record.BookedAt < KeptSince)
                && !erased.Contains(record.Id)).Reverse())
                seeding.Add(record);
        seeding?.KeptSince(KeptSince);

        var before = Checks ? Canonical(State) : "";
        var result = Budget.Step(State, command, Settings, Now, seeding);
        Last = result.Events;
        Journal.AddRange(Last);
        foreach (var record in Last.Select(RecordOf).OfType<UsageRecord>())
            Assert.True(usage.TryAdd(record.Id, record), $"usage '{record.Id}' was booked twice");
        foreach (var erasure in Last.OfType<UsageErased>())
            erased.UnionWith(usage.Values.Where(erasure.Erases).Select(record => record.Id));
        if (Last.Count > 0) State.Version = ++replayed.Version;
        CheckSigns();
        if (Checks) CheckState(before);
        foreach (var taken in State.TakeClosed()) closedHolds[taken.Id] = JsonSerializer.Serialize(taken, CoreJson.Default.Hold);
        if (Leaves) Leave();
        if (Forgets) State.Forget(Instant.MaxValue);
        if (Reloads) Reload();
        return result.Outcome;
    }

    void Leave()
    {
        foreach (var one in CounterMemory.Leave(State, 0, Instant.MaxValue))
            if (one.Counter is null) away.Remove((one.Name.No, one.Name.Key));
            else away[(one.Name.No, one.Name.Key)] = (one.Until, JsonSerializer.Serialize(one.Counter, CoreJson.Default.Counter));
        foreach (var no in CounterMemory.Gone(State))
            foreach (var name in away.Keys.Where(name => name.No == no).ToList()) away.Remove(name);
        CounterMemory.Forget(State, CounterMemory.Gone(State));
    }

    void Return(IEnumerable<CounterName> names)
    {
        foreach (var name in names)
            CounterMemory.Return(State, name, away.TryGetValue((name.No, name.Key), out var kept)
                ? JsonSerializer.Deserialize(kept.Json, CoreJson.Default.Counter) : null);
    }

    void Show(BudgetCommand command)
    {
        if (CounterMemory.Shown(State, command) is var (after, _))
            Return(away.Where(kept => kept.Value.Until > Now && kept.Key.CompareTo((after.No, after.Key)) > 0)
                .Select(kept => new CounterName(kept.Key.No, kept.Key.Key)).ToList());
    }

    /// <summary>Takes over what another host wrote, as a session does that reads a snapshot and the journal after it.</summary>
    public void Follow(IReadOnlyList<BudgetEvent> written)
    {
        if (Leaves) Leave();
        Return(CounterMemory.Named(State, written));
        foreach (var happened in written) Budget.Apply(State, RoundTrip(happened));
        State.Version++;
        State.TakeClosed();
    }

    /// <summary>The state that a host would read from a snapshot.</summary>
    public void Reload()
    {
        State = JsonSerializer.Deserialize(JsonSerializer.Serialize(State, CoreJson.Default.BudgetState), CoreJson.Default.BudgetState)!;
        State.Index();
    }

    /// <summary>The state that a host would build from the journal alone.</summary>
    public void Restart()
    {
        var version = State.Version;
        State = new(State.Account);
        foreach (var happened in Journal) Budget.Apply(State, RoundTrip(happened));
        State.Version = version;
        State.TakeClosed();
    }

    /// <summary>A limit as the status shows it; null where it has no such key (or there is no such limit).</summary>
    public LimitView? View(string limitId, string key = "") =>
        (Status().Outcome.Answer as AccountStatus)?
        .Limits.FirstOrDefault(view => view.LimitId == limitId && (view.Key ?? "") == key);

    Result Status()
    {
        var status = new GetStatus(PageSize: 1000);
        Show(status);
        return Budget.Decide(State, status, Settings, Instant.Max(Now, State.LastAt));
    }

    /// <summary>Stable over runs and machines: 64 bits of FNV over the JSON of the command.</summary>
    public static long FingerprintOf(BudgetCommand command)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in JsonSerializer.SerializeToUtf8Bytes(command, CoreJson.Default.BudgetCommand)) hash = (hash ^ b) * 1099511628211UL;
        return (long)hash;
    }

    public static UsageRecord? RecordOf(BudgetEvent happened) => happened switch
    {
        Settled settled => settled.Record,
        Recorded recorded => recorded.Record,
        Expired expired => expired.Charge,
        _ => null,
    };

    public static BudgetEvent RoundTrip(BudgetEvent happened) =>
        JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes([happened], CoreJson.Default.BudgetEventArray),
            CoreJson.Default.BudgetEventArray)![0];

    /// <summary>No counter is ever negative.</summary>
    void CheckSigns()
    {
        foreach (var limit in State.Limits)
            foreach (var (key, counter) in limit.Counters)
                foreach (var slot in counter.Slots)
                    Assert.True(slot is { Settled: var settled, Held: var held } && settled >= 0 && held >= 0,
                        $"limit '{limit.Limit.Id}' key '{key}': {slot.Settled} settled, {slot.Held} held");
    }

    void CheckState(string before)
    {
        foreach (var happened in Last) Budget.Apply(replayed, RoundTrip(happened));
        replayed.TakeClosed();
        if (Last.Count == 0 && !Forgets && !Reloads) Assert.Equal(before, Canonical(State));
        if (!Forgets) Assert.Equal(Canonical(replayed), Canonical(State));
        var json = JsonSerializer.Serialize(State, CoreJson.Default.BudgetState);
        Assert.Equal(Canonical(State), Canonical(JsonSerializer.Deserialize(json, CoreJson.Default.BudgetState)!));

        var held = new Dictionary<(int No, string Key, Instant Start), Int128>();
        foreach (var hold in State.Holds.Values)
        {
            if (hold.State != ReservationState.Active) Assert.Equal(default, hold.Left);
            foreach (var layer in hold.Layers)
                foreach (var touch in layer.Touches)
                    if (State.LimitNo(touch.No) is { } limit)
                    {
                        var amount = layer.Left.Of(limit.Limit.Unit);
                        Assert.True(amount >= 0, $"hold '{hold.Id}' has {amount} left");
                        held[(touch.No, touch.Key, touch.Span.Start)] = held.GetValueOrDefault((touch.No, touch.Key, touch.Span.Start))
                            + amount;
                    }
        }
        foreach (var limit in State.Limits)
            foreach (var (key, counter) in limit.Counters)
                foreach (var slot in counter.Slots)
                {
                    if (slot.Span.End > State.LastAt)
                        Assert.Equal(held.GetValueOrDefault((limit.No, key, slot.Span.Start)), slot.Held);
                }
    }

    /// <summary>The JSON of a state with sorted members: dictionaries have no order of their own.</summary>
    public static string Canonical(BudgetState state) =>
        Sorted(JsonSerializer.SerializeToNode(state, CoreJson.Default.BudgetState))!.ToJsonString();

    static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(member => member.Key, StringComparer.Ordinal)
            .Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value)))),
        JsonArray items => new JsonArray(items.Select(Sorted).ToArray()),
        _ => node?.DeepClone(),
    };
}
