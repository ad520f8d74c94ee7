namespace Strata.Tests;

/// <summary>A file's bytes as they are read, as they are on the medium, and each change in between. Its disk locks it.</summary>
/// <remarks>Pages are never changed but replaced, so that copies share them. A page that is not there reads as zeros.</remarks>
internal sealed class SimulatedContent
{
    private const int Sectors = SimulatedDisk.PageBytes / SimulatedDisk.SectorBytes, AllSectors = (1 << Sectors) - 1;
    private static readonly byte[] ZeroPage = new byte[SimulatedDisk.PageBytes];
    private readonly Dictionary<long, byte[]> _seen;
    private readonly Dictionary<long, byte[]> _durable;
    private readonly List<Change> _unsynced;
    private long _durableLength;

    public SimulatedContent()
        : this([], [], [], 0, 0)
    {
    }

    private SimulatedContent(Dictionary<long, byte[]> seen, Dictionary<long, byte[]> durable, List<Change> unsynced, long length, long durableLength)
    {
        (_seen, _durable, _unsynced, Length, _durableLength) = (seen, durable, unsynced, length, durableLength);
        AllocatedBytes = PagesFor(length);
    }

    public long Length { get; private set; }

    /// <summary>What it takes of the disk: whole pages up to its length. There are no holes.</summary>
    public long AllocatedBytes { get; private set; }

    public int Handles { get; set; }

    public bool IsLinked { get; set; }

    /// <summary>When each change that is not on the medium was made.</summary>
    public IEnumerable<long> UnsyncedOrders => _unsynced.Select(c => c.Order);

    public static SimulatedContent Of(ReadOnlySpan<byte> bytes)
    {
        var content = new SimulatedContent();
        long order = 0;
        content.Write(0, bytes, ref order);
        content.Sync(long.MaxValue);
        return content;
    }

    public static long PagesFor(long length) => (length + SimulatedDisk.PageBytes - 1) / SimulatedDisk.PageBytes * SimulatedDisk.PageBytes;

    /// <summary>As the next process finds it: what was written is there, what was not synced is not yet synced.</summary>
    public SimulatedContent Copy() => new(new(_seen), new(_durable), [.. _unsynced], Length, _durableLength);

    public int Read(long offset, Span<byte> into)
    {
        int count = (int)Math.Clamp(Length - offset, 0, into.Length);
        for (int done = 0; done < count;)
        {
            (long page, int at) = ((offset + done) / SimulatedDisk.PageBytes, (int)((offset + done) % SimulatedDisk.PageBytes));
            int some = Math.Min(count - done, SimulatedDisk.PageBytes - at);
            _seen.GetValueOrDefault(page, ZeroPage).AsSpan(at, some).CopyTo(into[done..]);
            done += some;
        }

        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes, ref long order)
    {
        while (!bytes.IsEmpty)
        {
            long page = offset / SimulatedDisk.PageBytes;
            int at = (int)(offset % SimulatedDisk.PageBytes), count = Math.Min(bytes.Length, SimulatedDisk.PageBytes - at);
            ReadOnlySpan<byte> some = bytes[..count];
            bool isZeroPage = count == SimulatedDisk.PageBytes && some.IndexOfAnyExcept((byte)0) < 0;
            Make(new Change(++order, page, at, isZeroPage ? ZeroPage : some.ToArray(), 0));
            offset += count;
            bytes = bytes[count..];
            if (offset > Length) SetLength(offset, ref order);
        }
    }

    public void SetLength(long length, ref long order) => Make(new Change(++order, 0, 0, null, length));

    /// <summary>Puts on the medium what was changed up to a moment.</summary>
    public void Sync(long upTo)
    {
        int count = 0;
        while (count < _unsynced.Count && _unsynced[count].Order <= upTo) Apply(_durable, ref _durableLength, _unsynced[count++], AllSectors);
        _unsynced.RemoveRange(0, count);
    }

    /// <summary>What Linux does when a sync fails: pages count as clean though they are not on the medium, or, with a random source, not all. Lengths are another matter: the journal has them.</summary>
    public void Lose(long upTo, Random? someOf)
    {
        Change[] lost = [.. _unsynced.Where(c => c.Bytes is not null && c.Order <= upTo)];
        if (someOf is not null) ApplySome(_durable, ref _durableLength, lost, someOf);
        _unsynced.RemoveAll(c => c.Bytes is not null && c.Order <= upTo);
    }

    /// <summary>Reads clean pages from the medium from now on.</summary>
    public void DropCache(long offset, long length)
    {
        HashSet<long> dirty = [.. _unsynced.Where(c => c.Bytes is not null).Select(c => c.Page)];
        long first = PagesFor(offset) / SimulatedDisk.PageBytes, end = (offset + length) / SimulatedDisk.PageBytes;
        foreach (long page in _seen.Keys.Union(_durable.Keys).Where(p => p >= first && p < end && !dirty.Contains(p)).ToArray())
        {
            if (_durable.TryGetValue(page, out byte[]? bytes)) _seen[page] = bytes;
            else _seen.Remove(page);
        }
    }

    /// <summary>Changes a byte where it is read and on the medium.</summary>
    public void Flip(long offset, byte mask, ref long order)
    {
        Span<byte> one = stackalloc byte[1];
        if (Read(offset, one) == 0) throw new ArgumentOutOfRangeException(nameof(offset), offset, "It is beyond the end.");
        (long page, int at) = (offset / SimulatedDisk.PageBytes, (int)(offset % SimulatedDisk.PageBytes));
        byte flipped = (byte)(_durable.GetValueOrDefault(page, ZeroPage)[at] ^ mask);
        Apply(_durable, ref _durableLength, new Change(0, page, at, [flipped], 0), AllSectors);
        one[0] ^= mask;
        Write(offset, one, ref order);
    }

    /// <summary>As the machine finds it after a loss of power.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="cut">What may be lost.</param>
    /// <param name="keptUpTo">With <see cref="PowerCut.KeepsPrefix"/>: the last change that is kept whole.</param>
    /// <param name="torn">With that: the change of which the first sectors are kept.</param>
    public SimulatedContent AfterCut(Random random, PowerCut cut, long keptUpTo, long torn)
    {
        var found = new Dictionary<long, byte[]>(_durable);
        long length = _durableLength;
        if (cut == PowerCut.AnySubset)
        {
            ApplySome(found, ref length, _unsynced, random);
        }
        else if (cut == PowerCut.KeepsPrefix)
        {
            foreach (Change change in _unsynced.Where(c => c.Order <= keptUpTo)) Apply(found, ref length, change, AllSectors);
            foreach (Change change in _unsynced.Where(c => c.Order == torn && c.Bytes is not null)) Apply(found, ref length, change, (1 << random.Next(Sectors)) - 1);
        }

        // What lies beyond the end must not come back when the file grows again.
        Cut(found, length);
        return new SimulatedContent(found, new(found), [], length, length);
    }

    private void Make(Change change)
    {
        long length = Length;
        Apply(_seen, ref length, change, AllSectors);
        Length = length;
        AllocatedBytes = PagesFor(length);
        _unsynced.Add(change);
    }

    private static void ApplySome(Dictionary<long, byte[]> pages, ref long length, IReadOnlyList<Change> changes, Random random)
    {
        int fateOfAll = random.Next(6), lengths = changes.Count(c => c.Bytes is null);
        int keptLengths = fateOfAll switch { 0 => 0, 1 => lengths, _ => random.Next(lengths + 1) };
        Dictionary<long, PageFate> fates = changes.Where(c => c.Bytes is not null).GroupBy(c => c.Page).ToDictionary(
            page => page.Key,
            page => fateOfAll switch { 0 => new PageFate(0, 0, 0), 1 => new PageFate(int.MaxValue, 0, 0), _ => PageFate.Any(page.Count(), random) });
        var seen = new Dictionary<long, int>();
        foreach (Change change in changes)
        {
            if (change.Bytes is not null)
            {
                int number = seen[change.Page] = seen.GetValueOrDefault(change.Page) + 1;
                Apply(pages, ref length, change, fates[change.Page].SectorsOf(number));
            }
            else if (keptLengths-- > 0)
            {
                Apply(pages, ref length, change, AllSectors);
            }
        }
    }

    private static void Apply(Dictionary<long, byte[]> pages, ref long length, Change change, int sectors)
    {
        if (change.Bytes is null)
        {
            if (change.Length < length) Cut(pages, change.Length);
            length = change.Length;
            return;
        }

        if (sectors == 0) return;
        if (sectors == AllSectors && change.Bytes.Length == SimulatedDisk.PageBytes)
        {
            pages[change.Page] = change.Bytes;
            return;
        }

        byte[] page = [.. pages.GetValueOrDefault(change.Page, ZeroPage)];
        for (int sector = 0; sector < Sectors; sector++)
        {
            int start = Math.Max(change.At, sector * SimulatedDisk.SectorBytes), end = Math.Min(change.At + change.Bytes.Length, (sector + 1) * SimulatedDisk.SectorBytes);
            if ((sectors >> sector & 1) != 0 && start < end) change.Bytes.AsSpan(start - change.At, end - start).CopyTo(page.AsSpan(start));
        }

        pages[change.Page] = page;
    }

    private static void Cut(Dictionary<long, byte[]> pages, long length)
    {
        (long last, int rest) = (length / SimulatedDisk.PageBytes, (int)(length % SimulatedDisk.PageBytes));
        foreach (long page in pages.Keys.Where(p => p >= last).ToArray())
        {
            if (page > last || rest == 0)
            {
                pages.Remove(page);
                continue;
            }

            byte[] kept = [.. pages[page]];
            kept.AsSpan(rest).Clear();
            pages[page] = kept;
        }
    }

    /// <summary>Bytes within one page, or, without any, a new length.</summary>
    private readonly record struct Change(long Order, long Page, int At, byte[]? Bytes, long Length);

    /// <summary>How many of a page's writes the medium has: in some sectors so many, in the others as many more or less.</summary>
    private readonly record struct PageFate(int Here, int There, int SectorsThere)
    {
        public static PageFate Any(int writes, Random random)
        {
            int here = Some(writes, random);
            return random.Next(3) == 0 ? new PageFate(here, Some(writes, random), random.Next(AllSectors + 1)) : new PageFate(here, here, 0);
        }

        public int SectorsOf(int number) => (number <= Here ? AllSectors & ~SectorsThere : 0) | (number <= There ? SectorsThere : 0);

        private static int Some(int writes, Random random) => random.Next(3) switch { 0 => 0, 1 => writes, _ => random.Next(writes + 1) };
    }
}
