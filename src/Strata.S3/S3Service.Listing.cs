using System.Runtime.CompilerServices;
using System.Text;
using System.Xml;
using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <content>Listings.</content>
internal sealed partial class S3Service
{
    private const int MostInOnePage = 1000;
    private const int MostLengths = 20;
    private const string LastText = "\U0010FFFF";

    public async IAsyncEnumerable<RemotePage> PagesAsync(ListRequest request, bool isOwn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? position = request.Position(), around = position is null ? null : ListPager.CommonPrefix(position, request), lastGroup = null;

        // Servers differ in what is left of a common prefix behind a position within it: it is asked for apart.
        if (around is not null && around != position && await HasAnyAsync(around, position, cancellationToken).ConfigureAwait(false)) yield return new RemotePage([new RemoteListed(around, null, null, IsPrefix: true)], IsTruncated: false);

        // What XML cannot hold some servers put into it all the same: then more is asked for, and sorted out here.
        // And some find a delimiter that begins within the prefix.
        bool isPlain = IsXml(request.Prefix) && IsXml(request.Delimiter ?? "") && !Straddles(position, request);
        var asked = new ListObjectsV2Request
        {
            BucketName = options.Bucket, Prefix = options.Prefix + CutToXml(request.Prefix), Delimiter = isPlain ? request.Delimiter : null, Encoding = EncodingType.Url,
            MaxKeys = Math.Min(MostInOnePage, request.Limit + 1), StartAfter = position is null ? null : CutToXml(around is null ? options.Prefix + position : Behind(around)),
        };
        do
        {
            ListObjectsV2Response page = await AskAsync(asked, cancellationToken).ConfigureAwait(false);
            var entries = new List<RemoteListed>();
            foreach (S3Object item in page.S3Objects ?? []) Add(NameOfListed(item.Key), item);
            foreach (string common in page.CommonPrefixes ?? []) Add(NameOfListed(common), null);
            entries.Sort((a, b) => BlobKey.CompareText(a.Text, b.Text));
            yield return new RemotePage(entries, page.IsTruncated == true);
            asked.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;

            void Add(string name, S3Object? item)
            {
                string text = name[options.Prefix.Length..];
                if (!text.StartsWith(request.Prefix, StringComparison.Ordinal) || (!isOwn && (text.StartsWith(RemoteUploads.Reserved, StringComparison.Ordinal) || RemoteUploads.Reserved.StartsWith(text, StringComparison.Ordinal)))) return;
                string? group = ListPager.CommonPrefix(text, request);
                if (position is not null && (BlobKey.CompareText(text, position) <= 0 || (group is not null && group == around))) return;
                if (group is null && BlobKey.TryParse(text, out BlobKey key)) entries.Add(new RemoteListed(text, Listed(key, item), null, IsPrefix: false));
                if (group is not null && group != lastGroup) entries.Add(new RemoteListed(group, null, null, IsPrefix: true));
                lastGroup = group ?? lastGroup;
            }
        }
        while (asked.ContinuationToken is not null);
    }

    private async ValueTask<bool> HasAnyAsync(string prefix, string? position, CancellationToken cancellationToken)
    {
        await foreach (RemotePage page in PagesAsync(new ListRequest { Prefix = prefix, StartAfter = position, Limit = 1 }, isOwn: false, cancellationToken).ConfigureAwait(false))
        {
            if (page.Entries.Count > 0) return true;
        }

        return false;
    }

    /// <summary>A page whose token holds what XML cannot is asked for with another length, and so another token.</summary>
    private async ValueTask<ListObjectsV2Response> AskAsync(ListObjectsV2Request asked, CancellationToken cancellationToken)
    {
        for (int number = 1; ; number++)
        {
            try
            {
                return await calls.ReadAsync("list", null, attempt => client.ListObjectsV2Async(asked, attempt.Token), cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.InnerException is { } cause && (cause is XmlException || cause.InnerException is XmlException) && number < MostLengths)
            {
                asked.MaxKeys = asked.MaxKeys < MostInOnePage ? asked.MaxKeys + 1 : MostInOnePage - number;
            }
        }
    }

    /// <summary>A text behind all that a common prefix rolls up: no key there is longer, or above the last character.</summary>
    private string Behind(string group)
    {
        var text = new StringBuilder(options.Prefix + group);
        for (int room = S3BlobStoreOptions.MaxKeyBytes - Encoding.UTF8.GetByteCount(options.Prefix + group); room >= 4; room -= 4) text.Append(LastText);
        return text.ToString();
    }

    private static bool Straddles(string? position, ListRequest request)
    {
        if (position is null || request.Delimiter is not { Length: > 1 } delimiter) return false;
        int at = position.IndexOf(delimiter, Math.Clamp(request.Prefix.Length - delimiter.Length + 1, 0, position.Length), StringComparison.Ordinal);
        return at >= 0 && at < request.Prefix.Length;
    }

    private static bool IsXml(string text) => !text.AsSpan().ContainsAny('\uFFFE', '\uFFFF');

    /// <summary>What stands before the first character that XML cannot hold; an earlier text begins no later.</summary>
    private static string CutToXml(string text) => text.AsSpan().IndexOfAny('\uFFFE', '\uFFFF') is var at and >= 0 ? text[..at] : text;

    private static BlobInfo Listed(BlobKey key, S3Object? item)
    {
        DateTimeOffset modified = TimeOf(item?.LastModified);
        return new BlobInfo { Key = key, Length = item?.Size ?? 0, ETag = Unquoted(item?.ETag), Created = modified, Modified = modified };
    }

    /// <summary>Names are asked for percent-encoded, as XML holds not every character.</summary>
    private static string NameOfListed(string name) => Uri.UnescapeDataString(name.Replace("+", "%20", StringComparison.Ordinal));
}
