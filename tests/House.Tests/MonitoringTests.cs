// What rules and dashboard ask for against what the code counts: a name that drifts apart would be an alert that never fires.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

public sealed class MonitoringTests
{
    const string Folder = "deploy/monitoring/";

    /// <summary>Every instrument that the code makes, by the names under which Prometheus knows it.</summary>
    static readonly HashSet<string> registered = [.. Repository.Files("src", ".cs").SelectMany(file => Regex.Matches(
        file.Text,
            @"Create(Observable)?(?<kind>Counter|Gauge|Histogram|UpDownCounter)(<\w+>)?\(\s*""(?<name>purser[\w.]*)""(?<rest>[^\n]*)"))
                .SelectMany(Names)];

    static IEnumerable<string> Names(Match made)
    {
        // The unit stands alone: before the description, or after the callback.
        var name = made.Groups["name"].Value.Replace('.', '_') + (Regex.IsMatch(made.Groups["rest"].Value, @", ""s""") ? "_seconds" : "");
        return made.Groups["kind"].Value switch
        {
            "Counter" => [name + "_total"],
            "Histogram" => [name + "_bucket", name + "_sum", name + "_count"],
            _ => [name],
        };
    }

    static IEnumerable<string> Asked(string text) => Regex.Matches(text, @"\bpurser_\w+").Select(match => match.Value).Distinct();

    [Fact]
    public void The_code_is_read_right() => Assert.Superset(
        new HashSet<string> { "purser_commands_total", "purser_append_duration_seconds_bucket", "purser_clock_offset_seconds", "purser_holds", "purser_cluster_given_up_total" }, registered);

    [Theory]
    [InlineData("rules.yml")]
    [InlineData("dashboard.json")]
    [InlineData("spend.json")]
    public void Only_what_the_code_counts_is_asked_for(string file) => Nothing.In(Asked(Repository.Read(Folder + file)).Except(registered).Select(name => $"{file}: {name}"));

    [Fact]
    public void Everything_that_the_code_counts_is_shown()
    {
        var shown = dashboards.SelectMany(file => Asked(Repository.Read(Folder + file))).Select(Family).ToHashSet();
        Nothing.In(registered.Select(Family).Distinct().Except(shown));

        static string Family(string name) => Regex.Replace(name, "_(bucket|sum|count)$", "");
    }

    /// <summary>For some minutes of a rolling update there are more nodes than usual: less than then is no loss.</summary>
    [Fact]
    public void Nodes_are_not_held_against_the_most_that_ever_were() =>
        Assert.DoesNotMatch(@"max_over_time\(count\(", Repository.Read(Folder + "rules.yml"));

    [Fact]
    public void What_rules_record_is_what_rules_use()
    {
        var rules = Repository.Read(Folder + "rules.yml");
        var recorded = Regex.Matches(rules, @"record: (\S+)").Select(match => match.Groups[1].Value);
        Nothing.In(Regex.Matches(rules, @"\bpurser:[\w:]+").Select(match => match.Value).Distinct().Except(recorded));
    }

    static readonly string[] dashboards = ["dashboard.json", "spend.json"];

    [Fact]
    public void Each_dashboard_is_brought_to_grafana()
    {
        Assert.Equal(dashboards.Length, dashboards.Select(file => JsonNode.Parse(Repository.Read(Folder + file))!["uid"]!.GetValue<string>()).Distinct().Count());
        Assert.All(dashboards, file =>
        {
            Assert.Contains(file, Repository.Read(Folder + "kustomization.yaml"), StringComparison.Ordinal);
            Assert.Contains($"./monitoring/{file}:", Repository.Read("deploy/compose.yaml"), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("dashboard.json")]
    [InlineData("spend.json")]
    public void The_dashboard_is_one(string file)
    {
        var panels = JsonNode.Parse(Repository.Read(Folder + file))!["panels"]!.AsArray();
        Assert.True(panels.Count > 10);
        Assert.All(panels, panel => Assert.NotEmpty(panel!["targets"]!.AsArray()));
        Assert.Equal(panels.Count, panels.Select(panel => panel!["id"]!.GetValue<int>()).Distinct().Count());
    }

    [Theory]
    [InlineData("silo")]
    [InlineData("api")]
    public void Pods_say_where_the_code_answers(string component)
    {
        var pod = Yaml.Documents(Repository.Read($"deploy/kubernetes/base/{component}.yaml")).First(one => one["kind"].Text == "Deployment").At("spec.template");
        var notes = pod["metadata"]["annotations"];
        Assert.Equal("true", notes["prometheus.io/scrape"].Text);
        Assert.Contains($"MapMethods(\"{notes["prometheus.io/path"].Text}\"", Repository.Read("src/Api/Endpoints/MetricsEndpoints.cs"), StringComparison.Ordinal);
        Assert.Equal(notes["prometheus.io/port"].Text, Assert.Single(pod.At("spec.containers").Items)["ports"].Items.Single(port => port["name"].Text == "metrics")["containerPort"].Text);
    }

    [Fact]
    public void The_operator_is_given_the_same_rules()
    {
        var rule = Yaml.Document(Repository.Read(Folder + "operator/rules.yaml"));
        Assert.Equal("PrometheusRule", rule["kind"].Text);
        Assert.Equal(Yaml.Document(Repository.Read(Folder + "rules.yml"))["groups"].ToString(), rule.At("spec.groups").ToString());
    }
}
