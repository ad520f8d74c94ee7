using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>Writes an XML answer into a pooled buffer: UTF-8, escaped, without reflection.</summary>
internal sealed class S3Xml : IDisposable
{
    private const string Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
    private static readonly SearchValues<char> Special = SearchValues.Create(
        "&<>\"\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\t\n\u000B\u000C\r\u000E\u000F\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F");

    private readonly string _root;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(4096);
    private int _length;

    /// <summary>Begins a document.</summary>
    /// <param name="root">Name of the root element.</param>
    /// <param name="hasNamespace">S3's errors have none.</param>
    public S3Xml(string root, bool hasNamespace = true)
    {
        _root = root;
        Raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        Raw(root);
        Raw(hasNamespace ? $" xmlns=\"{Namespace}\">" : ">");
    }

    public S3Xml Open(string name)
    {
        Tag("<"u8, name);
        return this;
    }

    public S3Xml Close(string name)
    {
        Tag("</"u8, name);
        return this;
    }

    public S3Xml Element(string name, string value)
    {
        Open(name);
        Text(value);
        return Close(name);
    }

    public S3Xml Element(string name, long value)
    {
        Open(name);
        Utf8Formatter.TryFormat(value, Room(20), out int written);
        _length += written;
        return Close(name);
    }

    public S3Xml Element(string name, bool value) => Element(name, value ? "true" : "false");

    /// <summary>In milliseconds, as S3 does.</summary>
    public S3Xml Element(string name, DateTimeOffset value)
    {
        const int Milliseconds = 23;
        Open(name);

        // The round-trip form has a fast path, and four digits more than are due.
        Span<byte> room = Room(40);
        value.UtcDateTime.TryFormat(room, out _, "O", CultureInfo.InvariantCulture);
        room[Milliseconds] = (byte)'Z';
        _length += Milliseconds + 1;
        return Close(name);
    }

    /// <summary>An ETag, which stands in quotes.</summary>
    public S3Xml ETag(string value)
    {
        Open("ETag");
        Raw("&quot;");
        Text(value);
        Raw("&quot;");
        return Close("ETag");
    }

    /// <summary>Ends the document and sends it.</summary>
    public async Task SendAsync(HttpResponse response, int status = StatusCodes.Status200OK)
    {
        Close(_root);
        response.StatusCode = status;
        response.ContentType = "application/xml";
        response.ContentLength = _length;
        await response.Body.WriteAsync(_buffer.AsMemory(0, _length), response.HttpContext.RequestAborted);
    }

    public void Dispose()
    {
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Names of elements are ASCII.</summary>
    private void Tag(ReadOnlySpan<byte> start, string name)
    {
        Span<byte> room = Room(start.Length + name.Length + 1);
        start.CopyTo(room);
        Ascii.FromUtf16(name, room[start.Length..], out int length);
        room[start.Length + length] = (byte)'>';
        _length += start.Length + length + 1;
    }

    private void Text(ReadOnlySpan<char> text)
    {
        int special;
        while ((special = text.IndexOfAny(Special)) >= 0)
        {
            Raw(text[..special]);
            Raw(text[special] switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                char control => string.Create(CultureInfo.InvariantCulture, $"&#{(int)control};"),
            });
            text = text[(special + 1)..];
        }

        Raw(text);
    }

    private void Raw(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return;
        _length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));
    }

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - _length < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + bytes));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(_length);
    }
}
