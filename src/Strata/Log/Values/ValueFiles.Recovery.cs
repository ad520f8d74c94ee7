using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>The opening.</content>
internal sealed partial class ValueFiles
{
    private int _missing;

    /// <summary>
    /// Learns at the opening which files hold values, before anything else is called. Files that hold none become spares
    /// or are removed. One that should be there and is not is reported, and reads of its value answer Corrupt. What is in
    /// the folder and is none of ours stays as it is.
    /// </summary>
    /// <param name="inUse">What the log notes of the files in use.</param>
    /// <param name="lastNumber">No file gets this number or a lower one: <see cref="ValueFile.NumberOf"/> the highest id that the caller remembers.</param>
    /// <exception cref="IOException">The folder cannot be made or read.</exception>
    public void Recover(IEnumerable<ValueFileRecord> inUse, ulong lastNumber = 0)
    {
        _disk.CreateFolder(ValueFile.Folder);
        _disk.SyncFolder("");
        var found = new HashSet<ulong>(_disk.List(ValueFile.Folder).Select(ValueFile.NumberIn).OfType<ulong>());
        _lastNumber = Math.Max(lastNumber, found.Count == 0 ? 0 : found.Max());
        var used = new HashSet<ulong>();

        // Of two values in one file, which a log never holds, the later one is there.
        foreach (ValueFileRecord record in inUse.OrderByDescending(r => r.Id))
        {
            ulong number = ValueFile.NumberOf(record.Id);
            _lastNumber = Math.Max(_lastNumber, number);
            Enter(record, number, isThere: used.Add(number) && found.Contains(number));
        }

        int unused = 0;
        foreach (ulong number in found.Except(used))
        {
            unused++;
            Reuse(number);
        }

        if (unused > 0) _log.LogInformation("Store '{Store}' found {Count} files of values that nothing refers to; they are recycled or removed", _options.Name, unused);
    }

    private void Enter(ValueFileRecord record, ulong number, bool isThere)
    {
        long capacity = isThere ? _disk.LengthOf(ValueFile.NameOf(number)) : 0;
        _files.Add(record.Id, new ValueFile(number, capacity, ValueFileState.InUse) { Id = record.Id, Length = record.Length, IsMissing = !isThere });
        _bytes += record.Length;
        _inUse += capacity;
        _allocated += capacity;
        if (!isThere) _missing++;
        if (!isThere || capacity < record.Length) _log.LogError("The file {Name} of store '{Store}' {Fault}; the value in it is lost", ValueFile.NameOf(number), _options.Name, isThere ? "is cut off" : "is missing");
    }

    /// <summary>A file that holds nothing gets a new number: nobody knows which of its lives were used.</summary>
    private void Reuse(ulong number)
    {
        string name = ValueFile.NameOf(number);
        ValueFile? file = null;
        var removed = new List<ValueFile>();
        try
        {
            var spare = new ValueFile(NextNumber(), _disk.LengthOf(name), ValueFileState.Spare);
            _disk.Rename(name, spare.Name);
            spare.Change = _folder.Changed();
            file = spare;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot rename the file {Name} of store '{Store}', which holds nothing", name, _options.Name);
            return;
        }

        lock (_gate)
        {
            _allocated += file.Capacity;
            _spares.Add(file, _inUse, removed);
            foreach (ValueFile gone in removed) gone.Move(ValueFileState.Gone);
        }

        foreach (ValueFile gone in removed) RemoveNow(gone);
    }
}
