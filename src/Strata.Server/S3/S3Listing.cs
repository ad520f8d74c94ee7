using System.Globalization;

namespace Strata.Server;

/// <summary>What S3's listings have in common: their parameters, and how they write names.</summary>
internal static class S3Listing
{
    private const int MaxEntries = 1000;

    /// <summary>The listing that prefix, delimiter and position ask for.</summary>
    /// <param name="request">The request.</param>
    /// <param name="after">The key or common prefix behind which it begins; empty or null for the beginning.</param>
    /// <param name="token">Of an earlier page; null for none.</param>
    /// <exception cref="S3Exception">The token belongs to another listing, or the delimiter is no text.</exception>
    public static ListRequest Request(S3Request request, string? after, string? token)
    {
        var list = new ListRequest
        {
            Prefix = request.Query("prefix") ?? "",
            Delimiter = request.Query("delimiter") is { Length: > 0 } delimiter ? delimiter : null,
            StartAfter = after is { Length: > 0 } ? after : null,
            Token = token,
        };
        try
        {
            list.Validate();
        }
        catch (ArgumentException)
        {
            throw S3Error.InvalidArgument("The continuation token provided is incorrect.").AsException();
        }

        return list;
    }

    /// <summary>The most entries of a page: 0 to 1,000.</summary>
    /// <exception cref="S3Exception">The parameter is no number.</exception>
    public static int Limit(S3Request request, string parameter)
    {
        string? text = request.Query(parameter);
        if (string.IsNullOrEmpty(text)) return MaxEntries;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? Math.Min(value, MaxEntries)
            : throw S3Error.InvalidArgument($"{parameter} must be an integer between 0 and 2147483647.").AsException();
    }

    /// <summary>True if names are to be escaped as in an address.</summary>
    /// <exception cref="S3Exception">Another encoding is asked for.</exception>
    public static bool EncodesUrls(S3Request request) => request.Query("encoding-type") switch
    {
        null or "" => false,
        "url" => true,
        _ => throw S3Error.InvalidArgument("Invalid Encoding Method specified in Request: encoding-type takes url.").AsException(),
    };

    public static string Encoded(string text, bool encodes) => encodes ? Uri.EscapeDataString(text).Replace("%2F", "/", StringComparison.Ordinal) : text;

    public static void WritePrefixes(S3Xml xml, IEnumerable<string> prefixes, bool encodes)
    {
        foreach (string prefix in prefixes) xml.Open("CommonPrefixes").Element("Prefix", Encoded(prefix, encodes)).Close("CommonPrefixes");
    }

    /// <summary>Where a listing by markers continues: behind the last key or prefix of this page.</summary>
    public static string LastOf(ListPage page)
    {
        string item = page.Items.Count > 0 ? page.Items[^1].Key.Value : "", prefix = page.Prefixes.Count > 0 ? page.Prefixes[^1] : "";
        return BlobKey.CompareText(item, prefix) > 0 ? item : prefix;
    }
}
