namespace Strata;

/// <summary>The files that wait for another value, within their bounds. Used under the lock of <see cref="ValueFiles"/>.</summary>
/// <param name="most">So many at most.</param>
/// <param name="mostBytes">So many bytes at most.</param>
internal sealed class ValueSpares(int most, long mostBytes)
{
    /// <summary>So many bytes are kept however little is in use; beyond them an eighth of what is.</summary>
    private const long FirstBytes = 8 << 20;

    /// <summary>A file up to this is not too large for anything.</summary>
    private const long SmallBytes = 64 << 10;

    private readonly List<ValueFile> _files = [];

    public int Count => _files.Count;

    public long Bytes { get; private set; }

    /// <summary>Takes a file in; the oldest go where there are too many then.</summary>
    /// <param name="file">The file.</param>
    /// <param name="inUse">Bytes of the files that hold values.</param>
    /// <param name="removed">Gets those that go, which may be the one that came.</param>
    public void Add(ValueFile file, long inUse, List<ValueFile> removed)
    {
        _files.Add(file);
        Bytes += file.Capacity;
        long bound = Math.Min(mostBytes, Math.Max(FirstBytes, inUse / 8));
        if (file.Capacity > bound) removed.Add(Remove(_files.Count - 1));
        while (_files.Count > most || Bytes > bound) removed.Add(Remove(0));
    }

    /// <summary>The file that fits best and is not wasted by half; for a value of unknown length the largest, which is cut if need be.</summary>
    public ValueFile? Take(long? length)
    {
        int best = -1;
        for (int i = 0; i < _files.Count; i++)
        {
            long capacity = _files[i].Capacity;
            if (length is { } needed && (capacity < needed || capacity > Math.Max(SmallBytes, 2 * needed))) continue;
            if (best < 0 || (length is null ? capacity > _files[best].Capacity : capacity < _files[best].Capacity)) best = i;
        }

        return best < 0 ? null : Remove(best);
    }

    /// <summary>Gives all up.</summary>
    public void Clear(List<ValueFile> removed)
    {
        removed.AddRange(_files);
        _files.Clear();
        Bytes = 0;
    }

    private ValueFile Remove(int at)
    {
        ValueFile file = _files[at];
        _files.RemoveAt(at);
        Bytes -= file.Capacity;
        return file;
    }
}
