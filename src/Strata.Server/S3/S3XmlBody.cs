using System.Buffers;
using System.Text;
using System.Xml;

namespace Strata.Server;

/// <summary>Reads a request whose body is an XML document; what was signed or digested is verified before it is parsed.</summary>
internal static class S3XmlBody
{
    private const int FirstBytes = 16 << 10;

    /// <summary>The most bytes of a tag with the text behind it: a key of 1,024 bytes, each one escaped, is not half as long.</summary>
    private const int MaxPiece = 16 << 10;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);

    /// <summary>Reads the body to its end, then hands a reader at the start of the document to <paramref name="parse"/>.</summary>
    /// <param name="request">A body of at most <see cref="StrataServerOptions.MaxXmlBytes"/>.</param>
    /// <param name="parse">Makes the value; throws <see cref="XmlException"/> where the document is not what it must be.</param>
    /// <param name="hasChecksums">False if the request's checksums are not those of its body.</param>
    /// <exception cref="S3Exception">The body is too long, not what its signature or a checksum says, or MalformedXML.</exception>
    public static async Task<T> ReadAsync<T>(S3Request request, Func<XmlReader, T> parse, bool hasChecksums = true)
    {
        using var body = new S3Body(request, request.Served.Options.MaxXmlBytes, hasChecksums: hasChecksums);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        int length = 0;
        try
        {
            // Memory is taken as bytes come: what a client announces costs it nothing.
            while ((length += await body.FillAsync(buffer.AsMemory(length), request.Aborted)) == buffer.Length) buffer = Doubled(buffer);
            return Parse(buffer, length, parse);
        }
        catch (Exception e) when (e is XmlException or DecoderFallbackException)
        {
            throw S3Error.MalformedXml.AsException();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Parses a document in UTF-8. A reader keeps all attributes of a tag, which takes many times their bytes: tags are short here.</summary>
    /// <exception cref="XmlException">A piece of it is too long, or it is not what it must be.</exception>
    /// <exception cref="DecoderFallbackException">It is not UTF-8.</exception>
    internal static T Parse<T>(byte[] bytes, int length, Func<XmlReader, T> parse)
    {
        RequireShortPieces(bytes.AsSpan(0, length));

        // No other encoding, in which what was looked at would be other characters.
        using var text = new StreamReader(new MemoryStream(bytes, 0, length), Strict, detectEncodingFromByteOrderMarks: false);
        using var reader = XmlReader.Create(text, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreWhitespace = true,
            IgnoreProcessingInstructions = true,
            MaxCharactersInDocument = length,
        });
        return parse(reader);
    }

    /// <summary>Every '&lt;' begins markup: neither a text nor an attribute may hold one.</summary>
    private static void RequireShortPieces(ReadOnlySpan<byte> document)
    {
        while (document.Length > MaxPiece)
        {
            int last = document[..MaxPiece].LastIndexOf((byte)'<');
            if (last <= 0) throw new XmlException();
            document = document[last..];
        }
    }

    private static byte[] Doubled(byte[] buffer)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
