using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>The folder of a disk store: its owner's lock, its clock, its log and its value files, opened and closed in order.</summary>
internal sealed class DiskFolder
{
    private readonly FolderLock _lock;
    private readonly ILogger _logger;

    private DiskFolder(FolderLock held, DiskClock clock, LogOptions settings, LogEngine log, ValueFiles values, DiskInventory inventory, ILogDisk disk, ILogger logger)
    {
        _lock = held;
        Settings = settings;
        Clock = clock;
        Log = log;
        Values = values;
        Inventory = inventory;
        Path = disk.Path;
        _logger = logger;
    }

    public string Path { get; }

    public DiskClock Clock { get; }

    /// <summary>The log's.</summary>
    public LogOptions Settings { get; }

    public LogEngine Log { get; }

    public ValueFiles Values { get; }

    /// <summary>What was found.</summary>
    public DiskInventory Inventory { get; }

    /// <summary>Takes the folder, creates what is missing in it, and reads which keys there are. Blocking.</summary>
    public static DiskFolder Open(DiskBlobStoreOptions options, StoreContext context)
    {
        ILogger logger = context.Loggers.CreateLogger<DiskBlobStore>();
        string path = System.IO.Path.GetFullPath(options.Path);
        var held = FolderLock.Take(path, options.Name);
        var inventory = new DiskInventory();
        try
        {
            RefuseOlderFormat(path, options.Name);
            RefuseUnfinishedRepair(path, options.Name);
            ILogDisk disk = options.Disk ?? new SystemDisk(path);
            var clock = new DiskClock(disk, context.Clock, options.Durability != DiskDurability.OperatingSystem, logger);

            // At an interval too a value is on the medium before its record can be, whenever that is.
            DiskDurability files = options.Durability == DiskDurability.OperatingSystem ? DiskDurability.OperatingSystem : DiskDurability.Flush;
            var values = new ValueFiles(disk, new ValueFileOptions { Name = options.Name, Durability = files }, context);
            LogOptions settings = SettingsOf(options, clock, inventory);
            return new DiskFolder(held, clock, settings, LogEngine.Open(settings, disk, context), values, inventory, disk, logger);
        }
        catch
        {
            inventory.Rows?.Expiries.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>Ends everything, what was committed being on the medium, and gives the folder free.</summary>
    /// <param name="issued">The highest version issued; null if the store did not get so far.</param>
    public async ValueTask CloseAsync(BlobVersion? issued)
    {
        try
        {
            await SyncValuesAsync().ConfigureAwait(false);
            await Owned.DisposeAllAsync([Log, Values]).ConfigureAwait(false);
            if (issued is { } limit) Clock.Write(limit, isLast: true);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _logger.LogWarning(e, "Cannot write the version clock at close; the limit persisted before stays in force");
        }
        finally
        {
            _lock.Dispose();
        }
    }

    /// <summary>Puts the values on the medium before the log's end, which names them.</summary>
    private async ValueTask SyncValuesAsync()
    {
        try
        {
            await Task.Run(Values.Sync).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _logger.LogError(e, "Large payloads of the store in {Path} cannot be put on the medium at close; a power cut may lose them", Path);
        }
    }

    private static LogOptions SettingsOf(DiskBlobStoreOptions options, DiskClock clock, DiskInventory inventory)
    {
        var settings = new LogOptions
        {
            Name = options.Name,
            Durability = options.Durability,
            SyncInterval = options.SyncInterval,
            SegmentBytes = options.SegmentBytes,
            MapReads = options.MapReads,
            CompactionBytesPerSecond = options.CompactionBytesPerSecond,
            Now = () => clock.Now,
            Recovered = inventory.Add,
        };
        return options.MaxIndexBytes is { } most ? settings with { MaxIndexBytes = most } : settings;
    }

    private static void RefuseUnfinishedRepair(string path, string store)
    {
        if (!LogRepair.IsUnfinished(path)) return;
        throw new StorageException(StorageErrorKind.Unsupported, $"The folder {path} holds what 'strata log repair' has written, and was stopped before its end. Remove it, and repair again.") { Operation = "open", Store = store };
    }

    /// <summary>A blob a file: what this store was before it had a log.</summary>
    private static void RefuseOlderFormat(string path, string store)
    {
        if (!Directory.Exists(System.IO.Path.Combine(path, "blobs"))) return;
        throw new StorageException(
            StorageErrorKind.Unsupported,
            $"The folder {path} holds a disk store of an older format (a file for each blob, in its folder 'blobs'), which this version of Strata does not read. "
            + "Copy it into a new folder with the version that wrote it: strata cp -r.")
        {
            Operation = "open", Store = store,
        };
    }
}
