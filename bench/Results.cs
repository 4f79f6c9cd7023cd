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

    public void Add(Row row) => rows.Add(row);

    public void Print(TextWriter to)
    {
        to.WriteLine();
        to.WriteLine(machine);
        to.WriteLine(settings);
        foreach (var group in rows.GroupBy(row => row.Unit))
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

    static string Figure(double value) => value.ToString(value is >= 100 or 0 ? "#,0" : "0.00", CultureInfo.InvariantCulture);

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
