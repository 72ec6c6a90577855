// Runs the Telegram Bot API emulator on 127.0.0.1: node telegram.js PORT
const TelegramServer = require("telegram-test-api");

new TelegramServer({ port: Number(process.argv[2]), host: "127.0.0.1", storage: "RAM", storeTimeout: 600 }).start();
