// No count of a report is lost in silence: every known report with one of its counts renamed, and with one more in each of its objects.
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Core.Tests.Normalising;

public sealed class UnreadCountTests
{
    public static TheoryData<string, int> Reports => UsageReportTests.Lines("reported.jsonl", "written.jsonl", "disputed.jsonl");

    /// <summary>Members that say again what others say: nobody reads what stands in them. In one of them names have dots.</summary>
    static readonly string[] copies = ["raw", "context_details", "tokens", "request_usage_entries", "delta", "nativeUsage", "additionalCounts"];

    [Theory]
    [MemberData(nameof(Reports))]
    public void A_count_under_another_name_is_named(string file, int line)
    {
        var one = UsageReportTests.Line(file, line);
        foreach (var (path, isCount) in Numbers(JsonNode.Parse(one.GetProperty("report").GetRawText())!, "", true))
        {
            if (!isCount) continue;
            var report = JsonNode.Parse(one.GetProperty("report").GetRawText())!;
            var renamed = Rename(report, path);
            Check(one, report, renamed);
        }
    }

    [Theory]
    [MemberData(nameof(Reports))]
    public void A_count_that_nobody_knows_is_named(string file, int line)
    {
        var one = UsageReportTests.Line(file, line);
        foreach (var path in Objects(JsonNode.Parse(one.GetProperty("report").GetRawText())!, ""))
        {
            var report = JsonNode.Parse(one.GetProperty("report").GetRawText())!;
            var at = (JsonObject)At(report, path);
            at["novel_tokens"] = 7;
            Check(one, report, path.Length == 0 ? "novel_tokens" : $"{path}.novel_tokens");
        }
    }

    [Theory]
    [InlineData("prompt_tokens", true)]
    [InlineData("code_interpreter_calls", true)]
    [InlineData("inputTokenCount", true)]
    [InlineData("anything", true)]
    [InlineData("firstByteLatency", false)]
    [InlineData("queue_time", false)]
    [InlineData("tokens_per_second", false)]
    [InlineData("input_tokens_cost", false)]
    public void Names_of_times_rates_and_prices_are_no_counts(string name, bool count) => Assert.Equal(count, CountNames.MayBeCount(name));

    static void Check(JsonElement one, JsonNode report, string named)
    {
        var json = report.ToJsonString();
        var (reading, problem) = UsageReport.Read(UsageReportTests.Text(one, "provider"), UsageReportTests.Text(one, "model"), json);
        if (problem is not null) return;
        Assert.True(reading!.Unread?.Contains(named) == true, $"{named} is not named in {json}: {string.Join(", ", reading.Unread ?? [])}");
    }

    static IEnumerable<(string Path, bool IsCount)> Numbers(JsonNode node, string path, bool isCount)
    {
        if (node is JsonObject members)
            foreach (var (name, value) in members)
            {
                if (value is null || copies.Contains(name)) continue;
                var inner = path.Length == 0 ? name : $"{path}.{name}";
                foreach (var found in Numbers(value, inner, isCount && CountNames.MayBeCount(name))) yield return found;
            }
        else if (node is JsonArray items)
            for (var i = 0; i < items.Count; i++)
                foreach (var found in Numbers(items[i]!, $"{path}[{i}]", isCount))
                    yield return found;
        else if (node.GetValueKind() == JsonValueKind.Number && node.ToJsonString() is not ("0" or "0.0")) yield return (path, isCount);
    }

    static IEnumerable<string> Objects(JsonNode node, string path)
    {
        if (node is JsonObject members)
        {
            yield return path;
            foreach (var (name, value) in members)
                if (value is not null && !copies.Contains(name) && CountNames.MayBeCount(name))
                    foreach (var found in Objects(value, path.Length == 0 ? name : $"{path}.{name}"))
                        yield return found;
        }
        else if (node is JsonArray items)
            for (var i = 0; i < items.Count; i++)
                foreach (var found in Objects(items[i]!, $"{path}[{i}]"))
                    yield return found;
    }

    static JsonNode At(JsonNode root, string path)
    {
        foreach (var step in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var bracket = step.IndexOf('[', StringComparison.Ordinal);
            root = root[bracket < 0 ? step : step[..bracket]]!;
            if (bracket >= 0) root = root[int.Parse(step[(bracket + 1)..^1], System.Globalization.CultureInfo.InvariantCulture)]!;
        }
        return root;
    }

    /// <summary>Puts another name on the member at a path, and tells the path that it has then.</summary>
    static string Rename(JsonNode root, string path)
    {
        var end = path.LastIndexOf('.');
        var (owner, name) = end < 0 ? ("", path) : (path[..end], path[(end + 1)..]);
        var members = (JsonObject)At(root, owner);
        var value = members[name]!.DeepClone();
        members.Remove(name);
        members[name + "_renamed"] = value;
        return path + "_renamed";
    }
}
