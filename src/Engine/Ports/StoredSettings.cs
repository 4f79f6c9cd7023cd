// Settings as stores keep them: in parts, so that a change costs its own size, and what was changed in rows of its own.
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Purser.Core;

namespace Purser.Engine;

/// <summary>The newest version, put together: JSON of <see cref="SettingsBody"/>, with the changes that are shown.</summary>
public sealed record StoredSettings(long Version, ReadOnlyMemory<byte> Json)
{
    public const int MostChanges = SettingsEditRules.MostChanges;

    /// <summary>Puts the parts of a version together, by their names, and what was changed, oldest first.</summary>
    public static StoredSettings Of(long version, IEnumerable<SettingsPart> parts, IEnumerable<ReadOnlyMemory<byte>> changes)
    {
        if (version == 0) return new(0, default);
        var prices = new List<(long Version, ReadOnlyMemory<byte> Body)>();
        var tenants = new List<ReadOnlyMemory<byte>>();
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var (name, body) in parts.Where(part => part.Body is not null).OrderBy(part => part.Name, StringComparer.Ordinal))
            {
                if (name.StartsWith(SettingsUpdate.Price, StringComparison.Ordinal))
                {
                    prices.Add((long.Parse(name.AsSpan(SettingsUpdate.Price.Length), CultureInfo.InvariantCulture), body!.Value));
                    continue;
                }
                if (name.StartsWith(SettingsUpdate.Tenant, StringComparison.Ordinal))
                {
                    tenants.Add(body!.Value);
                    continue;
                }
                json.WritePropertyName(name);
                json.WriteRawValue(body!.Value.Span);
            }
            Array("prices", prices.OrderBy(price => price.Version).Select(price => price.Body));
            if (tenants.Count > 0) Array("tenants", tenants);
            Array("changes", changes);
            json.WriteEndObject();

            void Array(string name, IEnumerable<ReadOnlyMemory<byte>> items)
            {
                json.WriteStartArray(name);
                foreach (var item in items) json.WriteRawValue(item.Span);
                json.WriteEndArray();
            }
        }
        return new(version, stream.ToArray());
    }
}

/// <summary>A part of the settings; without a body it is no more.</summary>
public sealed record SettingsPart(string Name, ReadOnlyMemory<byte>? Body);

/// <summary>What one version changed, for whoever asks later.</summary>
public sealed record SettingsNote(long Version, string Subject, ReadOnlyMemory<byte> Body)
{
    public SettingsChange Read() => JsonSerializer.Deserialize(Body.Span, CoreJson.Default.SettingsChange)!;

    /// <summary>Those changes that are of some subjects.</summary>
    public static IEnumerable<SettingsChange> Among(IEnumerable<SettingsChange> changes, IEnumerable<string> subjects)
    {
        var wanted = subjects.Select(Folded).ToHashSet(StringComparer.Ordinal);
        return changes.Where(change => wanted.Contains(Folded(change.Subject)));
    }

    /// <summary>What subjects are compared by: prices are found whatever the case of their names. That of letters that are not ASCII
    /// counts, as every store's own comparison has it.</summary>
    public static string Folded(string subject) => string.Create(subject.Length, subject, static (folded, from) =>
    {
        for (var i = 0; i < from.Length; i++) folded[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
    });
}

/// <summary>What the next version of the settings changes.</summary>
public sealed record SettingsUpdate(IReadOnlyList<SettingsPart> Parts, IReadOnlyList<SettingsNote> Notes)
{
    /// <summary>Prices are parts of their own, by the version that put them.</summary>
    public const string Price = "price:";

    /// <summary>Each tenant is a part too, by its id.</summary>
    public const string Tenant = "tenant:";

    /// <summary>Notes of this subject come from earlier versions, and each is as large as all the rates: they are kept, and not read with
    /// the settings.</summary>
    public const string NotShown = SettingsEditRules.ExchangeRatesSubject;

    /// <summary>Notes are JSON within JSON: quotes escaped by one character, not by five.</summary>
    static readonly CoreJson brief = new(new(CoreJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>What makes one version out of the one before it.</summary>
    public static SettingsUpdate Between(SettingsBody before, SettingsBody after)
    {
        var parts = new List<SettingsPart>();
        Compare("defaultPolicy", before.DefaultPolicy, after.DefaultPolicy, policy =>
            JsonSerializer.SerializeToUtf8Bytes(policy, CoreJson.Default.Policy));
        if (before.DefaultsVersion != after.DefaultsVersion)
            parts.Add(new("defaultsVersion", JsonSerializer.SerializeToUtf8Bytes(after.DefaultsVersion, CoreJson.Default.Int64)));
        Compare("catalogue", before.Catalogue, after.Catalogue, note =>
            JsonSerializer.SerializeToUtf8Bytes(note, CoreJson.Default.CatalogueNote));
        Compare("exchangeRates", before.ExchangeRates, after.ExchangeRates, rates =>
            JsonSerializer.SerializeToUtf8Bytes(rates, CoreJson.Default.ExchangeRates));
        Compare("firstDays", before.FirstDays, after.FirstDays, learned =>
            JsonSerializer.SerializeToUtf8Bytes(learned, CoreJson.Default.IReadOnlyListFirstDays));
        var known = before.Prices.Select(price => price.Version).ToHashSet();
        foreach (var price in after.Prices)
            if (!known.Remove(price.Version))
                parts.Add(new(NameOf(price.Version), JsonSerializer.SerializeToUtf8Bytes(price, CoreJson.Default.CustomPrice)));
        parts.AddRange(known.Select(gone => new SettingsPart(NameOf(gone), null)));
        var tenants = before.Tenants.ToDictionary(tenant => tenant.Id);
        foreach (var tenant in after.Tenants)
            if (!tenants.Remove(tenant.Id, out var was) || was.Version != tenant.Version)
                parts.Add(new(Tenant + tenant.Id, JsonSerializer.SerializeToUtf8Bytes(tenant, CoreJson.Default.Tenant)));
        parts.AddRange(tenants.Keys.Select(gone => new SettingsPart(Tenant + gone, null)));
        var last = before.Changes.Count == 0 ? 0 : before.Changes[^1].Version;
        return new(parts, [.. after.Changes.Where(change => change.Version > last).Select(change => new SettingsNote(
            change.Version, change.Subject, JsonSerializer.SerializeToUtf8Bytes(change, brief.SettingsChange)))]);

        void Compare<T>(string name, T? old, T? now, Func<T, byte[]> encode)
            where T : class
        {
            if (ReferenceEquals(old, now)) return;
            var (was, body) = (old is null ? null : encode(old), now is null ? null : encode(now));
            if (was is null == body is null && was.AsSpan().SequenceEqual(body)) return;
            parts.Add(new(name, body is null ? default(ReadOnlyMemory<byte>?) : body));
        }

        static string NameOf(long version) => Price + version.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Everything of a version that was put together, as new.</summary>
    public static SettingsUpdate Whole(ReadOnlySpan<byte> json)
    {
        using var document = JsonDocument.Parse(json.ToArray());
        var (parts, notes) = (new List<SettingsPart>(), new List<SettingsNote>());
        foreach (var member in document.RootElement.EnumerateObject())
            switch (member.Name)
            {
                case "prices":
                    foreach (var price in member.Value.EnumerateArray())
                        parts.Add(new(Price + price.GetProperty("version").GetRawText(), Bytes(price)));
                    break;
                case "tenants":
                    foreach (var tenant in member.Value.EnumerateArray())
                        parts.Add(new(Tenant + tenant.GetProperty("id").GetString(), Bytes(tenant)));
                    break;
                case "changes":
                    foreach (var change in member.Value.EnumerateArray())
                        notes.Add(new(change.GetProperty("version").GetInt64(), change.GetProperty("subject").GetString()!, Bytes(change)));
                    break;
                default:
                    parts.Add(new(member.Name, Bytes(member.Value)));
                    break;
            }
        return new(parts, notes);

        static byte[] Bytes(JsonElement value) => System.Text.Encoding.UTF8.GetBytes(value.GetRawText());
    }
}
