using System.Globalization;
using System.Net;
using System.Text;
using System.Xml.Linq;

namespace Strata.Reliability;

/// <summary>Just enough of an S3 client to upload in parts, and to say exactly what was answered. It never retries.</summary>
internal sealed class S3Uploads(Uri server) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = server, Timeout = TimeSpan.FromMinutes(5) };

    public async Task<string> CreateAsync(string key)
    {
        XElement answer = await SendAsync(HttpMethod.Post, $"/main/{key}?uploads", null);
        return Value(answer, "UploadId");
    }

    /// <summary>The part's ETag.</summary>
    public async Task<string> PutPartAsync(string key, string id, int number, ReadOnlyMemory<byte> bytes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Address($"/main/{key}?partNumber={Text(number)}&uploadId={id}")) { Content = new ReadOnlyMemoryContent(bytes) };
        using HttpResponseMessage answer = await _http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"a part was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        return answer.Headers.ETag!.Tag.Trim('"');
    }

    /// <summary>The object's ETag.</summary>
    public async Task<string> CompleteAsync(string key, string id, IEnumerable<(int Number, string ETag)> parts)
    {
        var body = new XElement("CompleteMultipartUpload", parts.Select(p => new XElement("Part", new XElement("PartNumber", p.Number), new XElement("ETag", p.ETag))));
        XElement answer = await SendAsync(HttpMethod.Post, $"/main/{key}?uploadId={id}", body);
        return Value(answer, "ETag").Trim('"');
    }

    /// <summary>Numbers and ETags of the parts that the server has; null if it knows no such upload.</summary>
    public async Task<IReadOnlyDictionary<int, string>?> PartsAsync(string key, string id)
    {
        using HttpResponseMessage answer = await _http.GetAsync(Address($"/main/{key}?uploadId={id}"));
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        XElement list = XElement.Parse(await answer.Content.ReadAsStringAsync());
        Assert.True(answer.IsSuccessStatusCode, list.ToString());
        return list.Elements().Where(e => e.Name.LocalName == "Part")
            .ToDictionary(p => int.Parse(Value(p, "PartNumber"), CultureInfo.InvariantCulture), p => Value(p, "ETag").Trim('"'));
    }

    /// <summary>The ids of all uploads under way.</summary>
    public async Task<IReadOnlyList<string>> UploadsAsync()
    {
        XElement list = await SendAsync(HttpMethod.Get, "/main?uploads", null);
        return [.. list.Elements().Where(e => e.Name.LocalName == "Upload").Select(u => Value(u, "UploadId"))];
    }

    /// <summary>The object, or null.</summary>
    public async Task<byte[]?> GetAsync(string key)
    {
        using HttpResponseMessage answer = await _http.GetAsync(Address($"/main/{key}"));
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        Assert.True(answer.IsSuccessStatusCode, $"a read of '{key}' was answered {(int)answer.StatusCode}");
        return await answer.Content.ReadAsByteArrayAsync();
    }

    public Task<Stream> OpenAsync(string key) => _http.GetStreamAsync(Address($"/main/{key}"));

    public void Dispose() => _http.Dispose();

    private async Task<XElement> SendAsync(HttpMethod method, string path, XElement? body)
    {
        using var request = new HttpRequestMessage(method, Address(path));
        if (body is not null) request.Content = new StringContent(body.ToString(), Encoding.UTF8, "application/xml");
        using HttpResponseMessage answer = await _http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path} was answered {(int)answer.StatusCode}: {text}");
        return XElement.Parse(text);
    }

    private static string Value(XElement parent, string name) => parent.Elements().First(e => e.Name.LocalName == name).Value;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Uri Address(string path) => new(path, UriKind.Relative);
}
