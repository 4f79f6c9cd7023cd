// `/docs/problems/{slug}`: what a problem means and what to do, from the same text as docs/problems.md.
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Purser.Api.Description;

/// <summary>The text has a section for each slug, whose lines are `- **Question**: answer`.</summary>
static partial class ProblemPages
{
    const string Style = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#1c2330;background:#fff}"
        + "h1{font-size:1.5rem}h2{font-size:1rem;margin:1.5rem 0 .25rem}p{margin:0}code{background:#eef1f5;padding:.1em .3em;border-radius:3px}"
        + "li{margin:.25rem 0}@media(prefers-color-scheme:dark){body{color:#e6e9ef;background:#14171c}code{background:#262b33}a{color:#8ab4f8}}";

    static readonly string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
        + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style))) + "'";

    static readonly Lazy<Dictionary<string, string>> sections = new(Read);

    public static void MapProblemPages(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/docs/problems", ["GET"], (RequestDelegate)List).ExcludeFromDescription();
        routes.MapMethods("/docs/problems/{slug}", ["GET"], (RequestDelegate)One).ExcludeFromDescription();
    }

    static Task List(HttpContext http)
    {
        var items = Problems.All.OrderBy(problem => problem.Status).Select(problem =>
            $"<li><a href=\"/docs/problems/{problem.Slug}\"><code>{problem.Status} {problem.Slug}</code></a> {Html(problem.Title)}</li>");
        return Write(http, "Problems", $"<h1>Problems</h1><ul>{string.Concat(items)}</ul>");
    }

    static Task One(HttpContext http)
    {
        var slug = http.Request.RouteValues["slug"] as string;
        if (Problems.All.FirstOrDefault(problem => problem.Slug == slug) is not { } known
            || !sections.Value.TryGetValue(known.Slug, out var section))
            return Problems.WriteAsync(http, Problems.NotFound, "slug", "there is no problem of this name; /docs/problems lists them all");
        return Write(http, known.Title, $"<p><a href=\"/docs/problems\">Problems</a></p><h1>{Html(known.Title)}</h1>"
            + $"<p><code>{known.Status}</code> <code>{known.Type}</code></p>{section}");
    }

    static Task Write(HttpContext http, string title, string body)
    {
        http.Response.Headers.ContentSecurityPolicy = policy;
        http.Response.ContentType = "text/html; charset=utf-8";
        return http.Response.WriteAsync("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
            + $"<meta name=\"viewport\" content=\"width=device-width\"><title>{Html(title)} · Purser</title><style>{Style}</style></head>"
            + $"<body>{body}</body></html>");
    }

    static Dictionary<string, string> Read()
    {
        using var file = typeof(ProblemPages).Assembly.GetManifestResourceStream("problems.md")!;
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in new StreamReader(file).ReadToEnd().Split("\n## ").Skip(1))
        {
            var lines = section.Split('\n');
            found[lines[0].Trim()] = string.Concat(lines.Skip(1).Select(line => Answer().Match(line)).Where(match => match.Success)
                .Select(match => $"<h2>{Html(match.Groups[1].Value)}</h2><p>{Marked(match.Groups[2].Value)}</p>"));
        }
        return found;
    }

    /// <summary>Code and links; a link leads to the repository's documents, which are not here, so that its text stays.</summary>
    static string Marked(string text)
    {
        var plain = Link().Replace(Html(text), "$1");
        return Code().Replace(plain, "<code>$1</code>") switch { var marked => char.ToUpperInvariant(marked[0]) + marked[1..] };
    }

    static string Html(string text) => WebUtility.HtmlEncode(text);

    [GeneratedRegex(@"^- \*\*(.+?)\*\*: (.+)$")]
    internal static partial Regex Answer();

    [GeneratedRegex(@"\[([^\]]+)\]\([^)]+\)")]
    internal static partial Regex Link();

    [GeneratedRegex("`([^`]+)`")]
    internal static partial Regex Code();
}
