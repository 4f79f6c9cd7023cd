// What was measured, as rows: for people on the terminal, as JSON for programs.
using System.Globalization;
using System.Text.Json;

namespace Purser.Bench;

/// <summary>
/// One figure. <see cref="Baseline"/> is what <see cref="Against"/> measured in the same run, <see cref="Ratio"/> how many times that
/// <see cref="Value"/> is, <see cref="Goal"/> what design asks of the ratio or, where there is none, of the value.
/// </summary>
public sealed record Row(string Name, string Unit, double Value, string? Against = null, double? Baseline = null, string? Goal = null)
{
    /// <summary>What Purser promises whatever the machine is: where the goal is missed the run fails.</summary>
    public bool IsPromise { get; init; }

    public double? Ratio => Baseline is > 0 ? Value / Baseline : null;

    /// <summary>Goals are written `>= 3`, `&lt; 10` or `= 0`.</summary>
    public bool? IsMet
    {
        get
        {
            if (Goal is null) return null;
            var (sign, bound) = (Goal[..Goal.IndexOf(' ', StringComparison.Ordinal)],
                double.Parse(Goal[(Goal.IndexOf(' ', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture));
            var judged = Ratio ?? Value;
            return sign switch { ">=" => judged >= bound, "<" => judged < bound, _ => judged == bound };
        }
    }
}

public sealed class Results(string machine, string settings)
{
    readonly List<Row> rows = [];
    readonly List<(string Name, string Why)> leftOut = [];

    public string Machine => machine;

    public string Settings => settings;

    public IReadOnlyList<Row> Rows => rows;

    public void Add(Row row) => rows.Add(row);

    public void LeaveOut(string name, string why) => leftOut.Add((name, why));

    /// <summary>Whether every promise is kept; those that are not are said.</summary>
    public bool Judge(TextWriter to)
    {
        var broken = rows.Where(row => row is { IsPromise: true, IsMet: false }).ToArray();
        foreach (var row in broken)
            to.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"BROKEN: {row.Name}: {row.Value} {row.Unit}, where it must be {row.Goal}"));
        return broken.Length == 0;
    }

    public void Print(TextWriter to)
    {
        to.WriteLine();
        to.WriteLine(machine);
        to.WriteLine(settings);
        foreach (var (name, why) in leftOut) to.WriteLine($"left out: {name}: {why}");
        PrintField(to);
        foreach (var group in rows.Except(FieldRows()).GroupBy(row => row.Unit))
        {
            to.WriteLine();
            var width = group.Max(row => row.Name.Length);
            to.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{group.Key.PadRight(width)} {"value",12} {"ratio",8}  {"goal",-8} against"));
            foreach (var row in group)
            {
                var met = row.IsMet switch { true => "met", false => "missed", null => "" };
                to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{row.Name.PadRight(width)} {Figure(row.Value),12} {(row.Ratio is { } ratio ? $"{ratio:0.00} x" : ""),8}  "
                        + $"{row.Goal,-8} {row.Against} {met}").TrimEnd());
            }
        }
    }

    Row[] FieldRows() => [.. rows.Where(row => Array.Exists(Field.Figures, figure => figure.Unit == row.Unit))];

    /// <summary>A line for each contender of the field, a column for each figure.</summary>
    void PrintField(TextWriter to)
    {
        var field = FieldRows();
        if (field.Length == 0) return;
        var width = field.Max(row => row.Name.Length);
        to.WriteLine();
        to.WriteLine("the field, in calls".PadRight(width) + string.Concat(Field.Figures.Select(figure => $" {figure.Head,14}")));
        foreach (var contender in field.GroupBy(row => row.Name))
            to.WriteLine(contender.Key.PadRight(width) + string.Concat(Field.Figures.Select(figure =>
                string.Create(CultureInfo.InvariantCulture, $" {contender.Single(row => row.Unit == figure.Unit).Value,14:#,0}"))));
    }

    public static Results Read(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var root = json.RootElement;
        var results = new Results(root.GetProperty("machine").GetString()!, root.GetProperty("settings").GetString()!);
        foreach (var row in root.GetProperty("rows").EnumerateArray())
            results.Add(new(row.GetProperty("name").GetString()!, row.GetProperty("unit").GetString()!, row.GetProperty("value")
                .GetDouble(),
                row.GetProperty("against").GetString(),
                row.GetProperty("baseline") is { ValueKind: JsonValueKind.Number } baseline ? baseline.GetDouble() : null,
                row.GetProperty("goal").GetString()));
        return results;
    }

    public static string Figure(double value) => value.ToString(value is >= 100 or 0 ? "#,0" : "0.00", CultureInfo.InvariantCulture);

    public void Save(string path)
    {
        using var file = File.Create(path);
        using var json = new Utf8JsonWriter(
            file, new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("machine", machine);
        json.WriteString("settings", settings);
        json.WriteStartArray("rows");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("name", row.Name);
            json.WriteString("unit", row.Unit);
            json.WriteNumber("value", Math.Round(row.Value, 3));
            WriteNumber("baseline", row.Baseline);
            WriteNumber("ratio", row.Ratio);
            WriteText("goal", row.Goal);
            WriteText("against", row.Against);
            WriteText("met", row.IsMet is { } met ? met ? "yes" : "no" : null);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("leftOut");
        foreach (var (name, why) in leftOut)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("why", why);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();

        void WriteNumber(string name, double? value)
        {
            if (value is { } number) json.WriteNumber(name, Math.Round(number, 3));
            else json.WriteNull(name);
        }

        void WriteText(string name, string? value)
        {
            if (value is not null) json.WriteString(name, value);
            else json.WriteNull(name);
        }
    }
}
