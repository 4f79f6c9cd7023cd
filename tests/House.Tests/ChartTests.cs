// The Helm chart against the manifests that it is made of: with its own values it is the base, so that neither drifts from the other.
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

public sealed class ChartTests
{
    const string Folder = "deploy/helm/";

    static readonly Yaml values = Yaml.Document(Repository.Read(Folder + "values.yaml"));

    /// <summary>What Helm would make of a template of this chart: there is nothing in them but values, and one whole file that is left out
    /// unless it is enabled.</summary>
    static string Rendered(string template) => Regex.Replace(
        Regex.Replace(Repository.Read($"{Folder}templates/{template}"),
            @"(?m)^ *(checksum/settings:|# A changed setting|\{\{- (if \.Values\.gate\.enabled|end) \}\}).*\n", ""),
        @"\{\{ \.Values\.([a-zA-Z.]+)( \| quote)? \}\}", value => values.At(value.Groups[1].Value) is { Text: { } text }
            ? value.Groups[2].Success ? $"\"{text}\"" : text : throw new FormatException($"{template}: no value {value.Groups[1].Value}"));

    [Theory]
    [InlineData("silo.yaml", "base")]
    [InlineData("api.yaml", "base")]
    [InlineData("network.yaml", "base")]
    [InlineData("gate.yaml", "components/gate")]
    public void With_its_own_values_it_is_the_base(string file, string folder)
    {
        var rendered = Rendered(file);
        Assert.DoesNotContain("{{", rendered, StringComparison.Ordinal);
        Assert.Equal(Yaml.Documents(Repository.Read($"deploy/kubernetes/{folder}/{file}")).Select(one => one.ToString()),
            Yaml.Documents(rendered).Select(one => one.ToString()));
    }

    [Fact]
    public void Its_settings_are_those_of_the_base()
    {
        var expected = Yaml.Document(Repository.Read("deploy/kubernetes/base/kustomization.yaml"))["configMapGenerator"].Items.Single()[
            "literals"].Items
            .Select(line => line.Text!.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(expected, Yaml.Document(Rendered("settings.yaml"))["data"].Members.ToDictionary(one => one.Key, one =>
            one.Value.Text!));
    }

    [Fact]
    public void Every_value_is_used() => Nothing.In(Names(values, "").Where(name =>
        !Repository.Files(Folder + "templates", ".yaml")
            .Any(template => template.Text.Contains(".Values." + name, StringComparison.Ordinal))));

    static IEnumerable<string> Names(Yaml node, string path) => node.Members.SelectMany(member =>
        member.Value.Members.Count > 0 ? Names(member.Value, $"{path}{member.Key}.") : [path + member.Key]);
}
