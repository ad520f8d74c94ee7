using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Strata.Server.Tests;

/// <summary>
/// A request that is signed by Signature Version 4 as the specification says it, by code of its own; a test changes it
/// afterwards and sends it as it then is.
/// </summary>
public sealed class SignedMessage
{
    public const string UnsignedPayload = "UNSIGNED-PAYLOAD";

    private readonly AccessKey _key;
    private readonly DateTimeOffset _time;
    private readonly string _region;

    private SignedMessage(AccessKey key, string method, string target, string body, string host, DateTimeOffset? time, string region)
    {
        (_key, Method, Target, Body, _region) = (key, method, target, body, region);
        _time = time ?? TimeProvider.System.GetUtcNow();
        Headers.Add(("Host", host));
    }

    public string Method { get; set; }

    public string Target { get; set; }

    public string Body { get; set; }

    /// <summary>In the order in which they are sent.</summary>
    public List<(string Name, string Value)> Headers { get; } = [];

    /// <summary>64 hexadecimal digits.</summary>
    public string Signature { get; private set; } = "";

    private string Timestamp => _time.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    private string Scope => $"{Timestamp[..8]}/{_region}/s3/aws4_request";

    /// <summary>Signed in the Authorization header; its body's digest is signed, unless <paramref name="payload"/> says otherwise.</summary>
    public static SignedMessage Of(
        AccessKey key, Uri server, string method, string target, string body = "", string? payload = null, DateTimeOffset? time = null,
        string region = "us-east-1", params (string Name, string Value)[] headers)
    {
        var message = new SignedMessage(key, method, target, body, server.Authority, time, region);
        message.Headers.Add(("x-amz-content-sha256", payload ?? Hex(SHA256.HashData(Encoding.Latin1.GetBytes(body)))));
        message.Headers.Add(("x-amz-date", message.Timestamp));
        message.Headers.AddRange(headers);
        string signed = message.SignedHeaders;
        message.Sign(target, signed, message.Value("x-amz-content-sha256"));
        message.Headers.Add(("Authorization", $"AWS4-HMAC-SHA256 Credential={key.Id}/{message.Scope}, SignedHeaders={signed}, Signature={message.Signature}"));
        if (body.Length > 0 || method is "PUT" or "POST") message.Headers.Add(("Content-Length", $"{body.Length}"));
        return message;
    }

    /// <summary>A presigned address, whose body is anybody's.</summary>
    public static SignedMessage Presigned(
        AccessKey key, Uri server, string method, string target, int expires = 300, DateTimeOffset? time = null, string body = "", params (string Name, string Value)[] headers)
    {
        var message = new SignedMessage(key, method, target, body, server.Authority, time, "eu-central-1");
        message.Headers.AddRange(headers);
        string signed = message.SignedHeaders;
        message.Target += (target.Contains('?', StringComparison.Ordinal) ? "&" : "?")
            + $"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={Uri.EscapeDataString($"{key.Id}/{message.Scope}")}&X-Amz-Date={message.Timestamp}"
            + $"&X-Amz-Expires={expires}&X-Amz-SignedHeaders={Uri.EscapeDataString(signed)}";
        message.Sign(message.Target, signed, UnsignedPayload);
        message.Target += $"&X-Amz-Signature={message.Signature}";
        if (body.Length > 0 || method is "PUT" or "POST") message.Headers.Add(("Content-Length", $"{body.Length}"));
        return message;
    }

    /// <summary>Replaces a header, or takes it away.</summary>
    public SignedMessage With(string name, string? value)
    {
        Headers.RemoveAll(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (value is not null) Headers.Add((name, value));
        return this;
    }

    public string Value(string name) => Headers.First(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public async Task<string> SendAsync(Uri server)
    {
        using RawConnection connection = await RawConnection.OpenAsync(server);
        string headers = string.Concat(Headers.Select(h => $"{h.Name}: {h.Value}\r\n"));
        await connection.WriteAsync($"{Method} {Target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n{Body}");
        return await connection.ReadToEndAsync();
    }

    /// <summary>The signature of what is signed after this message: a chunk, or the trailer.</summary>
    public string SignNext(string algorithm, string previous, string rest) =>
        Hex(HMACSHA256.HashData(SigningKey(), Encoding.UTF8.GetBytes($"{algorithm}\n{Timestamp}\n{Scope}\n{previous}\n{rest}")));

    public static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private string SignedHeaders => string.Join(';', Headers.Select(h => h.Name.ToLowerInvariant()).Distinct().Order(StringComparer.Ordinal));

    private void Sign(string target, string signedHeaders, string payload)
    {
        int question = target.IndexOf('?', StringComparison.Ordinal);
        string path = question < 0 ? target : target[..question];
        string[] pairs = question < 0 ? [] : target[(question + 1)..].Split('&');
        string query = string.Join('&', pairs.Select(p => p.Split('=', 2)).Select(p => (Name: Escaped(p[0]), Value: p.Length > 1 ? Escaped(p[1]) : ""))
            .OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Value, StringComparer.Ordinal).Select(p => $"{p.Name}={p.Value}"));
        string headers = string.Concat(signedHeaders.Split(';').Select(name =>
            $"{name}:{string.Join(',', Headers.Where(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => Collapsed(h.Value)))}\n"));
        string canonical = $"{Method}\n{string.Join('/', path.Split('/').Select(s => Uri.EscapeDataString(Uri.UnescapeDataString(s))))}\n{query}\n{headers}\n{signedHeaders}\n{payload}";
        Signature = Hex(HMACSHA256.HashData(SigningKey(), Encoding.UTF8.GetBytes($"AWS4-HMAC-SHA256\n{Timestamp}\n{Scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}")));
    }

    private byte[] SigningKey()
    {
        byte[] key = Encoding.UTF8.GetBytes("AWS4" + _key.Secret);
        foreach (string part in Scope.Split('/')) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return key;
    }

    private static string Escaped(string text) => Uri.EscapeDataString(Uri.UnescapeDataString(text.Replace('+', ' ')));

    private static string Collapsed(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
