// An example of every body and answer: a session with a real host, recorded, so that all of them belong together.
using System.Text.Json.Nodes;

namespace Purser.Api.Description;

static class Examples
{
    static readonly JsonObject recorded = Read();

    static JsonObject Read()
    {
        using var file = typeof(Examples).Assembly.GetManifestResourceStream("examples.json")!;
        return JsonNode.Parse(file)!.AsObject();
    }

    /// <summary>Gives the content its example. <paramref name="part"/>: `request`, `lines`, `answer`, or a status.</summary>
    public static JsonObject With(this JsonObject media, string operation, string part)
    {
        if (recorded[operation]?[part] is { } example) media["example"] = example.DeepClone();
        return media;
    }

    /// <summary>Gives an answer that is a problem an example for each kind that it can be.</summary>
    public static JsonObject With(this JsonObject media, IEnumerable<Problem> problems)
    {
        media["examples"] = new JsonObject([.. problems.Select(problem => KeyValuePair.Create(problem.Slug, (JsonNode?)new JsonObject
        {
            ["summary"] = problem.Title, ["value"] = ExampleOf(problem),
        }))]);
        return media;
    }

    static JsonObject ExampleOf(Problem problem)
    {
        var example = new JsonObject { ["type"] = problem.Type, ["title"] = problem.Title, ["status"] = problem.Status };
        if (problem != Problems.Invalid) return example;
        const string wrong = "must be a whole number";
        (example["detail"], example["field"]) = ($"inputTokens: {wrong}", "inputTokens");
        example["errors"] = new JsonArray(new JsonObject { ["field"] = "inputTokens", ["problem"] = wrong });
        return example;
    }
}
