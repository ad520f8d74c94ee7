using System.Globalization;

namespace Strata.Server;

/// <summary>GET and HEAD of one part of a completed object (<c>?partNumber=</c>), as transfer tools download large ones.</summary>
/// <param name="Offset">Of the part's first byte.</param>
/// <param name="Length">Bytes; 0 if the part, and with it the object, is empty.</param>
/// <param name="Parts">How many parts the object has; null if it was not uploaded in parts, or if they are not known: then it is one.</param>
internal readonly record struct S3PartNumber(long Offset, long Length, int? Parts)
{
    /// <summary>The number of the part that the request asks for; null if it asks for none.</summary>
    /// <exception cref="S3Exception">It is no number from 1 to 10,000, or there is a range as well.</exception>
    public static int? Of(S3Request request)
    {
        if (request.Query("partNumber") is not { } text) return null;
        int number = Parse(text);
        return request.Request.Headers.Range.Count == 0
            ? number
            : throw S3Error.InvalidRequest("Cannot specify both Range header and partNumber query parameter.").AsException();
    }

    /// <summary>Reads the number of a part.</summary>
    /// <exception cref="S3Exception">It is no number from 1 to 10,000.</exception>
    public static int Parse(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= IMultipartUploads.MaxParts
            ? number
            : throw S3Error.InvalidArgument($"Part number must be an integer between 1 and {IMultipartUploads.MaxParts}, inclusive.").AsException();

    /// <summary>Where the part is.</summary>
    /// <exception cref="S3Exception">The object has no part of this number.</exception>
    public static S3PartNumber Find(BlobInfo info, int number)
    {
        S3PartSizes? sizes = S3PartSizes.Of(info);
        if (sizes is null && number == 1) return new(0, info.Length, null);
        if (sizes?.TryFind(number, out long offset, out long length) == true) return new(offset, length, sizes.Count);
        throw new S3Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable.").AsException();
    }

    /// <summary>Tells how many parts there are.</summary>
    public void WriteTo(S3Request request)
    {
        if (Parts is { } parts) request.Response.Headers["x-amz-mp-parts-count"] = parts.ToString(CultureInfo.InvariantCulture);
    }
}
