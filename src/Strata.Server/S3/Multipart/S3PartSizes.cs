using System.Globalization;
using System.Text;

namespace Strata.Server;

/// <summary>
/// The sizes of the parts that an object was uploaded in, as runs of equal ones: <c>8388608*1250,77</c>. Clients make all
/// parts but the last one equally long, so that two runs are what there usually is.
/// </summary>
internal sealed class S3PartSizes
{
    /// <summary>The longest text that is kept; sizes of more variety are not known afterwards.</summary>
    private const int MaxText = 256;

    private readonly List<(long Size, int Count)> _runs = [];

    private S3PartSizes()
    {
    }

    /// <summary>How many parts: 1 or more.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all parts.</summary>
    public long Length { get; private set; }

    /// <summary>What is kept of these sizes; null if that would be too long.</summary>
    public static string? Format(IEnumerable<long> sizes)
    {
        var text = new StringBuilder();
        var sum = new S3PartSizes();
        foreach (long size in sizes) sum.Append(size, 1);
        foreach ((long size, int count) in sum._runs)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? "," : "")}{size}{(count > 1 ? $"*{count}" : "")}");
            if (text.Length > MaxText) return null;
        }

        return text.ToString();
    }

    /// <summary>The sizes of an object's parts; null if it was not uploaded in parts, or if they are not known.</summary>
    public static S3PartSizes? Of(BlobInfo info) =>
        info.Metadata.TryGetValue(S3Reserved.Parts, out string? text) && Parse(text) is { } sizes && sizes.Length == info.Length ? sizes : null;

    /// <summary>Where a part is, counted from 1 as in the completed object.</summary>
    public bool TryFind(int number, out long offset, out long size)
    {
        offset = 0;
        size = 0;
        if (number < 1) return false;
        foreach ((long each, int count) in _runs)
        {
            if (number <= count)
            {
                offset += each * (number - 1);
                size = each;
                return true;
            }

            number -= count;
            offset += each * count;
        }

        return false;
    }

    private static S3PartSizes? Parse(string text)
    {
        if (text.Length > MaxText) return null;
        var sizes = new S3PartSizes();
        foreach (string run in text.Split(','))
        {
            string[] factors = run.Split('*');
            int count = 1;
            if (factors.Length > 2
                || !long.TryParse(factors[0], NumberStyles.None, CultureInfo.InvariantCulture, out long size)
                || (factors.Length == 2 && !int.TryParse(factors[1], NumberStyles.None, CultureInfo.InvariantCulture, out count))
                || count is < 1 or > IMultipartUploads.MaxParts
                || sizes.Count + count > IMultipartUploads.MaxParts
                || size > (long.MaxValue - sizes.Length) / count)
            {
                return null;
            }

            sizes.Append(size, count);
        }

        return sizes;
    }

    private void Append(long size, int count)
    {
        if (_runs.Count > 0 && _runs[^1].Size == size) _runs[^1] = (size, _runs[^1].Count + count);
        else _runs.Add((size, count));
        Count += count;
        Length += size * count;
    }
}
