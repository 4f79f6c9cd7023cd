// `prices [SEARCH]`: what models cost, custom prices included where there is a host or a ledger; `prices --diff A B`: what two catalogues
// differ in; `prices --check FILE`: whether a host would take a catalogue; `prices --import FILE --to CATALOGUE`: one of another's price
// list.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Core;
using Spectre.Console;

namespace Purser.Api;

static class PricesCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var access = new LedgerAccess();
        var search = new Argument<string?>("SEARCH") { Description = "A part of the provider, the model or one of its other names.",
            Arity = ArgumentArity.ZeroOrOne };
        CommandLine.NotAnOption(search);
        var diff = new Option<string[]>("--diff") { Description = "Tell what changed from the first catalogue file to the second.",
            HelpName = "A B", Arity = new(2, 2), AllowMultipleArgumentsPerToken = true };
        var catalogue = new Option<string?>("--catalogue") { Description = "List this catalogue file instead of the prices in force.",
            HelpName = "FILE" };
        var check = new Option<string?>(
            "--check") { Description = "Read a catalogue file as PUT /v1/prices/catalogue does, and tell what is wrong with it.",
                HelpName = "FILE" };
        var import = new Option<string?>(
            "--import") { Description =
                "Make a catalogue of LiteLLM's price map or of models.dev's list, and tell what was not understood.",
                HelpName = "FILE" };
        var to = new Option<string?>("--to") { Description = "Where the catalogue of --import goes.", HelpName = "CATALOGUE" };
        var command = new Command(
            "prices",
                "List prices per million tokens, or compare, check or import catalogues. Exit code 0: done; 1: a file is not what it "
                    + "should "
                    + "be; 2: wrong usage; 3: no host.")
        {
            search, diff, catalogue, check, import, to,
        };
        access.AddTo(command, throughHost: true);
        command.Validators.Add(result =>
        {
            if (result.GetResult(diff) is { Implicit: false } && (result.GetResult(search) is { Tokens.Count: > 0 }
                || result.GetResult(catalogue) is { Implicit: false }))
                result.AddError("--diff compares two files; give it alone.");
            if (result.GetResult(check) is { Implicit: false } && (result.GetResult(diff) is { Implicit: false } || result.GetResult(search)
                is { Tokens.Count: > 0 } || result.GetResult(catalogue) is { Implicit: false }))
                result.AddError("--check reads one file; give it alone.");
            if (result.GetResult(import) is { Implicit: false } != result.GetResult(to) is { Implicit: false })
                result.AddError("--import FILE and --to CATALOGUE go together.");
        });
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            if (parsed.GetValue(diff) is [var before, var after])
                return Diff(screen, await ReadAsync(before, cancellation), await ReadAsync(after, cancellation));
            if (parsed.GetValue(check) is { } checkedFile)
                return Check(screen, checkedFile, (await ReadAsync(checkedFile, cancellation)).Catalogue);
            if (parsed.GetValue(import) is { } list) return await ImportAsync(screen, list, parsed.GetValue(to)!, cancellation);
            var (rows, from) = parsed.GetValue(catalogue) is { } file
                ? (PriceRow.Of(new PriceBook((await ReadAsync(file, cancellation)).Catalogue)), file)
                    : await InForceAsync(access, parsed, cancellation);
            return List(screen, rows, parsed.GetValue(search), from);
        });
        return command;
    }

    static async Task<(IReadOnlyList<PriceRow> Rows, string From)> InForceAsync(LedgerAccess access, ParseResult parsed,
        CancellationToken cancellation)
    {
        var settings = access.SettingsOf(parsed);
        using (var host = access.HostOf(parsed, settings))
            if (host is not null)
                return ([.. (await host.PricesAsync(cancellation)).Select(PriceRow.Of)], $"the host at {host.Url}");
        if (settings.Ledger == "memory" || (settings.Ledger == "sqlite" && !Ledgers.Sqlite.SqliteLedger.ExistsIn(settings.Data)))
            return (PriceRow.Of(PriceBook.BuiltIn), "the built-in catalogue");
        await using var ledger = await LedgerAccess.OpenAsync(settings);
        return (PriceRow.Of((await new Engine.SettingsSource(ledger).CurrentAsync()).Prices), LedgerAccess.NameOf(settings));
    }

    static int List(OperationScreen screen, IReadOnlyList<PriceRow> rows, string? search, string from)
    {
        var found = rows.Where(row => search is null || row.Names.Any(name => name.Contains(search, StringComparison.OrdinalIgnoreCase)))
            .ToList();
        if (screen.Json)
            return screen.Print(new JsonObject { ["from"] = from, ["items"] = new JsonArray([.. found.Select(row => row.ToJson())]) });
        string[] header = ["model", "mode", "input", "output", "cached", "currency", "version"];
        var cells = found.Select(row => (string[])[row.Names[0], row.Mode ?? "", row.Input ?? "", row.Output ?? "", row.Cached ?? "",
            row.Currency, row.Version + (row.More ? " *" : "")]).Prepend(header).ToList();
        if (found.Count > 0)
        {
            var widths = Enumerable.Range(0, header.Length).Select(column => cells.Max(line => line[column].Length)).ToArray();
            foreach (var line in cells)
                screen.Say(
                    string.Join("  ", line.Select((cell, i) => i is >= 2 and <= 4 ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])))
                        .TrimEnd());
        }
        if (found.Exists(row => row.More))
            screen.Say(
                "* also depends on context, service tier, time, region or speed, or has other rates: GET /v1/prices/PROVIDER/MODEL "
                    + "tells all");
        screen.Say($"{OperationScreen.Number(found.Count)} of {OperationScreen.Number(rows.Count)} prices of {from}, per million tokens");
        return ExitCodes.Done;
    }

    static int Check(OperationScreen screen, string file, Catalogue catalogue)
    {
        if (screen.Json)
            return screen.Print(new JsonObject
            {
                ["file"] = file, ["entries"] = catalogue.Entries.Count, ["dataDate"] = catalogue.DataDate,
                ["version"] = catalogue.Version, ["digest"] = catalogue.Digest,
            });
        screen.Say(
            $"{file} is a catalogue of {OperationScreen.Number(catalogue.Entries.Count)} prices as of {catalogue.DataDate}, version "
                + $"{catalogue.Version}, sha256 {catalogue.Digest}");
        return ExitCodes.Done;
    }

    static async Task<int> ImportAsync(OperationScreen screen, string file, string to, CancellationToken cancellation)
    {
        PriceList list;
        try
        {
            using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(file, cancellation));
            list = PriceList.Read(json.RootElement, NodaTime.Text.LocalDatePattern.Iso.Format(SystemClock.Instance.GetCurrentInstant()
                .InUtc().Date));
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidDataException)
        {
            throw new InvalidDataException($"{file} {wrong.Message}", wrong);
        }
        var bytes = JsonSerializer.SerializeToUtf8Bytes(list.Catalogue, readable);
        try
        {
            CatalogueReader.Read(bytes);
        }
        catch (PriceRefusedException refused)
        {
            throw new InvalidDataException($"{file} makes no catalogue that a host would take: {refused.Message}", refused);
        }
        await File.WriteAllBytesAsync(to, bytes, cancellation);
        if (screen.Json)
            return screen.Print(new JsonObject
            {
                ["file"] = to, ["entries"] = list.Models, ["notUnderstood"] = new JsonArray([.. list.Left.Select(left => new JsonObject
                {
                    ["model"] = left.Model, ["member"] = left.Member, ["why"] = left.Why,
                })]),
            });
        screen.Say(
            $"{to} has {OperationScreen.Number(list.Models)} prices of {file}; check it with --diff and put it with PUT "
                + $"/v1/prices/catalogue");
        foreach (var group in list.Left.GroupBy(left => (left.Member, left.Why)).OrderByDescending(group => group.Count()))
            screen.Say($"  {OperationScreen.Number(group.Count())} x {group.Key.Member} {group.Key.Why}, such as {group.First().Model}");
        if (list.Left.Count == 0) screen.Say("Everything was understood.");
        return ExitCodes.Done;
    }

    static readonly JsonSerializerOptions readable = new()
    {
        WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    static int Diff(OperationScreen screen, (JsonElement Json, Catalogue Catalogue) before, (JsonElement Json, Catalogue Catalogue) after)
    {
        var (old, now) = (EntriesOf(before.Json), EntriesOf(after.Json));
        var (added, removed, changed) = (0, 0, 0);
        var items = new JsonArray();
        foreach (var name in old.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            if (!old.TryGetValue(name, out var one))
            {
                added++;
                if (screen.Json) items.Add((JsonNode)new JsonObject { ["model"] = name, ["change"] = "added" });
                else screen.Say($"+ {name}  {Shown(now[name])}");
            }
            else if (!now.TryGetValue(name, out var other))
            {
                removed++;
                if (screen.Json) items.Add((JsonNode)new JsonObject { ["model"] = name, ["change"] = "removed" });
                else screen.Say($"- {name}  {Shown(one)}");
            }
            else if (one.Keys.Union(other.Keys).Where(field => one.GetValueOrDefault(field) != other.GetValueOrDefault(field))
                .Order(StringComparer.Ordinal).ToList() is { Count: > 0 } fields)
            {
                changed++;
                if (screen.Json)
                {
                    items.Add((JsonNode)new JsonObject
                    {
                        ["model"] = name, ["change"] = "changed", ["fields"] = new JsonArray([.. fields.Select(field => new JsonObject
                        {
                            ["field"] = field, ["before"] = one.GetValueOrDefault(field), ["after"] = other.GetValueOrDefault(field),
                        })]),
                    });
                    continue;
                }
                screen.Say($"~ {name}");
                foreach (var field in fields)
                    screen.Say($"    {field}: {one.GetValueOrDefault(field) ?? "none"} -> {other.GetValueOrDefault(field) ?? "none"}");
            }
        }
        if (screen.Json)
            return screen.Print(new JsonObject { ["added"] = added, ["removed"] = removed, ["changed"] = changed, ["items"] = items });
        screen.Say($"{before.Catalogue.DataDate} -> {after.Catalogue.DataDate}: {added} added, {removed} removed, {changed} changed");
        return ExitCodes.Done;
    }

    static string Shown(Dictionary<string, string> entry) =>
        string.Join(" ", entry.Where(field => field.Key.StartsWith("rates.", StringComparison.Ordinal))
            .Select(field => $"{field.Key["rates.".Length..]} {field.Value}"));

    /// <summary>Every entry as its fields with the way to them. Where and when a price was seen is not what it is.</summary>
    static Dictionary<string, Dictionary<string, string>> EntriesOf(JsonElement catalogue)
    {
        var entries = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var entry in catalogue.GetProperty("entries").EnumerateArray())
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var member in entry.EnumerateObject())
                if (member.Name is not ("provider" or "model" or "sources" or "asOf"))
                    Flatten(member.Name, member.Value, fields);
            entries[$"{entry.GetProperty("provider").GetString()}/{entry.GetProperty("model").GetString()}"] = fields;
        }
        return entries;
    }

    static void Flatten(string path, JsonElement value, Dictionary<string, string> into)
    {
        if (value.ValueKind == JsonValueKind.Object)
            foreach (var member in value.EnumerateObject()) Flatten($"{path}.{member.Name}", member.Value, into);
        else if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object))
            foreach (var (item, i) in value.EnumerateArray().Select((item, i) => (item, i)))
                Flatten(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), item, into);
        else into[path] = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray())}]",
            _ => value.GetRawText(),
        };
    }

    static async Task<(JsonElement Json, Catalogue Catalogue)> ReadAsync(string file, CancellationToken cancellation)
    {
        var bytes = await File.ReadAllBytesAsync(file, cancellation);
        try
        {
            var catalogue = CatalogueReader.Read(bytes);
            return (JsonDocument.Parse(bytes).RootElement, catalogue);
        }
        catch (PriceRefusedException refused)
        {
            throw new InvalidDataException($"{file} is not a catalogue: {refused.Message}", refused);
        }
    }
}

/// <summary>One line of the list. The first name is `provider/model`.</summary>
sealed record PriceRow(IReadOnlyList<string> Names, string? Mode, string? Input, string? Output, string? Cached, string Currency,
    string Version, bool More)
{
    public static IReadOnlyList<PriceRow> Of(PriceBook book)
    {
        var now = SystemClock.Instance.GetCurrentInstant();
        return [.. book.Models.Select(price => Of(price, price.Today(now) ?? price.Periods[0], book.Version))];
    }

    static PriceRow Of(ModelPrice price, PricePeriod period, string version) => new(
        [$"{price.Provider}/{price.Model}", .. price.Aliases], price.Mode, Text(period, RateKind.Input), Text(period, RateKind.Output),
            Text(period, RateKind.CachedInput),
        period.Currency, period.Version ?? version,
        price.Periods.Count > 1 || period.Tiers.Count + period.ServiceTiers.Count + period.TimeOfDay.Count + period.Multipliers.Count > 0
            || period.Rates.All.Any(rate => rate.Kind is not (RateKind.Input or RateKind.Output or RateKind.CachedInput)));

    /// <summary>A price as a host shows it.</summary>
    public static PriceRow Of(JsonElement price)
    {
        var rates = price.GetProperty("rates");
        return new(
            [$"{price.GetProperty("provider").GetString()}/{price.GetProperty("model").GetString()}", .. price.GetProperty("aliases")
                .EnumerateArray().Select(alias => alias.GetString()!)],
            price.TryGetProperty("mode", out var mode) ? mode.GetString() : null, Rate("input"), Rate("output"), Rate("cachedInput"),
            price.GetProperty("currency").GetString()!, price.GetProperty("priceVersion").GetString()!,
            ((string[])["tiers", "serviceTiers", "timeOfDay", "multipliers", "otherPeriods"])
                .Any(field => price.TryGetProperty(field, out _))
                || rates.EnumerateObject().Any(rate => rate.Name is not ("input" or "output" or "cachedInput")));

        string? Rate(string name) => rates.TryGetProperty(name, out var rate) ? rate.GetString() : null;
    }

    /// <summary>Rates are decimals per million tokens; `more`: it also depends on other things.</summary>
    public JsonNode ToJson() => new JsonObject
    {
        ["model"] = Names[0], ["aliases"] = new JsonArray([.. Names.Skip(1).Select(name => (JsonNode)name)]), ["mode"] = Mode,
        ["input"] = Input, ["output"] = Output, ["cachedInput"] = Cached, ["currency"] = Currency, ["priceVersion"] = Version,
        ["more"] = More,
    };

    static string? Text(PricePeriod period, RateKind kind) => period.Rates[kind] is { } rate ? ((Exact)rate).ToString() : null;
}
