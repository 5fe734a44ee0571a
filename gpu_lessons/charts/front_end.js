// Tells the kernel that its page can load widgets, and marks them all once the kernel is gone.
export default {
  initialize({ model }) {
    const { widget_manager: widgets } = model;
    // JupyterLab marks the widgets of a kernel that was restarted, and not those of one that was shut down.
    widgets.kernel?.disposed.connect(() => widgets.disconnect());
    model.set("draws", true);
    model.save_changes();
  },
};
