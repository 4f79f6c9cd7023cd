// The cases of some areas from the systems that came before, and the exceptions among them: what can not hold here, with its reason.
using System.Text.Json;
using Xunit.Abstractions;

namespace Purser.Cases;

sealed class SeedFile(params string[] areas)
{
    public static readonly JsonElement[] All = [.. Read("seed-cases.json").EnumerateArray()];
    public static readonly IReadOnlyDictionary<string, string> Exceptions =
        Read("exceptions.json").EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetString()!);

    readonly JsonElement[] cases = [.. All.Where(one => areas.Contains(one.Text("area")))];

    public TheoryData<string> Ids => new(cases.Select(one => one.Text("id")).Where(id => !Exceptions.ContainsKey(id))
        .Order(StringComparer.Ordinal));

    public JsonElement Of(string id) => cases.Single(one => one.Text("id") == id);

    /// <summary><paramref name="failures"/> runs a case and says in words where it did not hold.</summary>
    public void Holds(string id, Func<JsonElement, IReadOnlyCollection<string>> failures)
    {
        var one = Of(id);
        var found = failures(one);
        Assert.True(found.Count == 0, $"{id} ({one.Text("system")}: {one.Text("name")})\n{string.Join('\n', found)}");
    }

    /// <summary>The list is no way to hide a case that holds.</summary>
    public void ExceptionsDoNotHold(Func<JsonElement, IReadOnlyCollection<string>> failures, ITestOutputHelper output)
    {
        Assert.All(Exceptions, exception =>
        {
            Assert.True(exception.Value.Length > 20, $"{exception.Key} has no reason");
            Assert.Contains(All, one => one.Text("id") == exception.Key);
        });
        var listed = cases.Where(one => Exceptions.ContainsKey(one.Text("id"))).ToList();
        Assert.All(listed, one => Assert.NotEmpty(failures(one)));
        output.WriteLine($"{cases.Length} cases in {string.Join(", ", areas)}: {cases.Length - listed.Count} hold, {listed.Count} can not");
        foreach (var one in listed) output.WriteLine($"  {one.Text("id")} {one.Text("name")}: {Exceptions[one.Text("id")]}");
    }

    static JsonElement Read(string file) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "cases", file))).RootElement;
}

static class SeedReading
{
    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static string? Optional(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
