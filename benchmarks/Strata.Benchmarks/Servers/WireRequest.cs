using System.Globalization;
using System.Text;

namespace Strata.Benchmarks;

/// <summary>A request of HTTP/1.1 as it goes over the wire, made and signed beforehand, so that sending it costs a client next to nothing.</summary>
/// <param name="Start">The head, and the body where it is small: then one packet carries both.</param>
/// <param name="Rest">The body that <paramref name="Start"/> does not hold.</param>
internal sealed record WireRequest(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> Rest)
{
    private const int LongestInOne = 64 << 10;

    public static WireRequest Get(Uri server, string target, V4Signer? signer = null) => Of(server, "GET", target, default, signer);

    public static WireRequest Put(Uri server, string target, ReadOnlyMemory<byte> body, V4Signer? signer = null) => Of(server, "PUT", target, body, signer);

    public static WireRequest Post(Uri server, string target, string body, V4Signer? signer = null) => Of(server, "POST", target, Encoding.UTF8.GetBytes(body), signer);

    /// <param name="server">Where it goes.</param>
    /// <param name="target">The path.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="headers">Further lines of the head, each with its end.</param>
    public static WireRequest Post(Uri server, string target, ReadOnlyMemory<byte> body, string headers) => Of(server, "POST", target, body, signer: null, headers);

    public static WireRequest Delete(Uri server, string target) => Of(server, "DELETE", target, default, signer: null);

    private static WireRequest Of(Uri server, string method, string target, ReadOnlyMemory<byte> body, V4Signer? signer, string headers = "")
    {
        var head = new StringBuilder($"{method} {target} HTTP/1.1\r\nHost: {server.Authority}\r\n");
        if (method != "GET") head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        head.Append(headers);
        signer?.AppendTo(head, method, server.Authority, target, body.Span);
        byte[] start = Encoding.ASCII.GetBytes(head.Append("\r\n").ToString());
        return body.Length <= LongestInOne ? new((byte[])[.. start, .. body.Span], default) : new(start, body);
    }
}
