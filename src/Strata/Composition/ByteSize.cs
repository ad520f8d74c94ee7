using System.Globalization;

namespace Strata;

/// <summary>Sizes as people write them: <c>1500</c>, <c>64KiB</c>, <c>1.5 GB</c>. The one parser and the one formatter.</summary>
public static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("PiB", 1L << 50),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    /// <summary>What the parser takes, for messages.</summary>
    public static string Accepted => "a size such as 1500, 64KiB, 256MiB or 1.5GB";

    /// <summary>Parses a size of 0 bytes or more; units are binary (KiB to PiB) or decimal (KB to TB), in any case.</summary>
    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        ReadOnlySpan<char> number = text.AsSpan().Trim();
        long unit = 1;
        foreach ((string name, long size) in Units)
        {
            if (!number.EndsWith(name, StringComparison.OrdinalIgnoreCase)) continue;
            unit = size;
            number = number[..^name.Length].TrimEnd();
            break;
        }

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal count)) return false;
        if (count > long.MaxValue / unit) return false;
        bytes = (long)(count * unit);
        return true;
    }

    /// <summary>A short text, such as <c>1.5 GiB</c>.</summary>
    public static string Format(long bytes)
    {
        if (Math.Abs(bytes) < 1024) return string.Create(CultureInfo.InvariantCulture, $"{bytes} B");
        int unit = 0;
        double value = bytes / 1024.0;
        while (Math.Abs(value) >= 1023.95 && unit < 4)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit].Unit}");
    }
}
