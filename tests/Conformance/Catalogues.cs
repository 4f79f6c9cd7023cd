// Small catalogues for the tests that put one.
using System.Text;

namespace Purser.Conformance;

public static class Catalogues
{
    public const string DataDate = "2026-11-20";

    /// <summary>One provider, one model, at this price per million tokens of input.</summary>
    public static string With(string model, string input, string more = "") => $$"""
        {"schemaVersion":1,"currency":"USD","dataDate":"{{DataDate}}","bareModelOrder":["house"],"providers":[{"id":"house","name":"House","aliases":[]}],
         "sources":[{"id":"list","date":"2026-11-19"}],
         "entries":[{"provider":"house","model":"{{model}}","aliases":[],"mode":"chat","rates":{"input":"{{input}}","output":"9"},{{more}}"sources":["list"],"asOf":"2026-11-19"}]}
        """;

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
