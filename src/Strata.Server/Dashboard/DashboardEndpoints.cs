using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Strata.Server;

/// <summary>The page for people: <c>/</c> for a browser, its parts under <c>/_strata/</c>. It needs nothing from elsewhere.</summary>
internal static class DashboardEndpoints
{
    /// <summary>
    /// Nothing but the page's own script, style and icon; no markup from text (Trusted Types), no frames around it, no
    /// forms out of it. Keys are other people's text: should one ever become markup, it still runs nothing.
    /// </summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    /// <summary>Figures and keys; files that are dropped in; uploads in parts; KV databases and their entries; tiers; signing in, which begins it all.</summary>
    private static readonly string[] Scripts = ["page.js", "files.js", "uploads.js", "databases.js", "entry.js", "tiers.js", "session.js"];

    /// <summary>Maps the page's parts, and leaves the page itself for <c>/</c>, which S3 shares.</summary>
    public static void MapDashboard(this IEndpointRouteBuilder routes, ServedStores served)
    {
        RequestDelegate page = Resource("page.html", "text/html; charset=utf-8");
        served.Page = page;
        Map("/_strata/", page);
        Map("/_strata/page.css", Resource("page.css", "text/css; charset=utf-8"));
        foreach (string script in Scripts) Map($"/_strata/{script}", Resource(script, "text/javascript; charset=utf-8"));
        Map("/_strata/icon.svg", Resource("icon.svg", "image/svg+xml"));

        void Map(string path, RequestDelegate handler) =>
            routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], handler).WithMetadata(EndpointAccess.Open);
    }

    /// <summary>True for a person's browser, which is no S3 client: it asks for HTML and signs nothing.</summary>
    public static bool IsForPerson(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
        && !request.Headers.ContainsKey(HeaderNames.Authorization)
        && !request.Query.Keys.Any(k => k.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase));

    private static RequestDelegate Resource(string name, string contentType)
    {
        byte[] bytes = Load(name);
        string etag = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8))}\"";
        return async http =>
        {
            IHeaderDictionary headers = http.Response.Headers;
            headers.ContentSecurityPolicy = Policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";

            // Another version of the server may stand at this address tomorrow: ask each time, which costs 304.
            headers.CacheControl = "no-cache";
            headers.Vary = "Accept";
            headers.ETag = etag;
            if (http.Request.Headers.IfNoneMatch.Contains(etag))
            {
                http.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            http.Response.ContentType = contentType;
            http.Response.ContentLength = bytes.Length;
            if (!HttpMethods.IsHead(http.Request.Method)) await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
        };
    }

    private static byte[] Load(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is not in the assembly.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
